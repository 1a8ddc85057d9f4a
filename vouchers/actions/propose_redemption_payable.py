"""What a provider earned by a redemption is proposed for payment; two others approve it."""

from datetime import datetime

from django.db import transaction

from audit.decisions import Actor, StaleState
from treasury.actions.propose_payable import propose_payable
from treasury.models import Payable
from treasury.moves import move_state
from vouchers.actions.accrue_clearing import accepted_of, accrue_clearing
from vouchers.models import Redemption


@transaction.atomic
def propose_redemption_payable(*, redemption: Redemption, actor: Actor, at: datetime) -> Payable:
    """committed → payable, owed to the provider. A second call returns the payable.

    What was spent outside the voucher's region is paid by the region there, to which it is owed.
    Raises StaleState unless the redemption is committed.
    """
    if redemption.payable is not None:
        return redemption.payable
    if redemption.state != Redemption.State.COMMITTED or redemption.earned is None:
        raise StaleState(thing="redemption", current=redemption.state, needed="committed")
    accepted = accepted_of(redemption)
    if accepted is not None:
        payable = accrue_clearing(accepted=accepted, actor=actor, at=at)
        move_state(redemption, to="payable", payable_id=payable.pk)
        return payable
    payable = propose_payable(
        payee=redemption.provider,
        envelope=redemption.voucher.envelope,
        kind=Payable.Kind.VOUCHER_REDEMPTION,
        amount_fen=redemption.kept_fen,
        source_account=redemption.earned,
        reference=f"redemption:{redemption.pk}",
        policy_version=redemption.version.label,
        actor=actor,
        at=at,
    )
    move_state(redemption, to="payable", payable_id=payable.pk)
    return payable
