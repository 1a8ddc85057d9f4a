"""A refund takes back what a voucher paid, as long as nothing of it is payable yet."""

from datetime import datetime

from django.db import transaction
from django.db.models import F

from audit.actions.record import record
from audit.decisions import Actor, Invalid, StaleState
from ledger.actions.post_transfer import Move, post_transfer
from treasury.moves import move_state
from vouchers.actions.commit_redemption import remainder_home
from vouchers.models import Redemption


@transaction.atomic
def return_redeemed(
    *, redemption: Redemption, amount_fen: int, reference: str, actor: Actor, at: datetime
) -> Redemption:
    """Move `amount_fen` from what was earned back to the voucher; after its validity it lapses
    to the envelope of the original year. `reference` names the transfer and is used once.

    Raises StaleState unless the redemption is committed, Invalid for more than it still keeps.
    """
    held = Redemption.objects.select_for_update().get(pk=redemption.pk)
    available = held.voucher.available
    if held.state != Redemption.State.COMMITTED or held.earned is None or available is None:
        raise StaleState(thing="redemption", current=held.state, needed="committed")
    if not 0 < amount_fen <= held.kept_fen:
        raise Invalid(
            "amount_fen",
            f"must be from 1 to {held.kept_fen}",
            f"应为 1 至 {held.kept_fen}",
        )
    home = remainder_home(held.voucher, at=at)
    moves = [Move(held.earned, available, amount_fen)]
    if home is not None:
        moves.append(Move(available, home, amount_fen))
    post_transfer(
        reference=reference,
        kind="correct_down",
        moves=moves,
        effective_at=at,
        actor=actor,
        policy_version=held.version.label,
    )
    Redemption.objects.filter(pk=held.pk).update(returned_fen=F("returned_fen") + amount_fen)
    held.refresh_from_db()
    if not held.kept_fen:
        move_state(held, to="returned")
    record(
        "redemption.corrected",
        subject=held,
        actor=actor,
        at=at,
        data={"returned_fen": amount_fen, "reference": reference, "lapsed": home is not None},
    )
    return held
