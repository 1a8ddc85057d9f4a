"""Propose to release a part of an envelope for issue."""

from datetime import datetime

from django.db import transaction
from django.db.models import Max

from audit.actions.record import record
from audit.decisions import Actor, Invalid, StaleState
from treasury import policy
from treasury.models import Envelope, Tranche
from treasury.proposals import require_amount


@transaction.atomic
def propose_tranche(
    *, envelope: Envelope, amount_fen: int, reason: str, actor: Actor, at: datetime
) -> Tranche:
    """Propose the next tranche of an envelope that is released in tranches.

    Raises NotPermitted, Invalid (amount; an envelope not in tranches), StaleState.
    """
    policy.require_issuer(actor, envelope.issuer, *policy.BUDGET)
    require_amount(amount_fen)
    held = Envelope.objects.select_for_update(no_key=True).get(pk=envelope.pk)
    if not held.in_tranches:
        raise Invalid("envelope", "this envelope has no tranches", "该预算额度不分批下达")
    if held.state in (Envelope.State.CLOSING, Envelope.State.CLOSED):
        raise StaleState(
            thing=Envelope._meta.verbose_name_raw,
            current=held.state,
            needed="appropriated … frozen",
        )
    last = held.tranches.aggregate(last=Max("number"))["last"] or 0
    tranche = Tranche.objects.create(
        envelope=envelope,
        number=last + 1,
        amount_fen=amount_fen,
        reason=reason,
        proposed_by_id=policy.signer(actor),
        proposed_at=at,
    )
    record(
        "tranche.proposed",
        subject=tranche,
        actor=actor,
        at=at,
        data={
            "envelope_id": envelope.pk,
            "number": tranche.number,
            "amount_fen": amount_fen,
            "reason": reason,
        },
    )
    return tranche
