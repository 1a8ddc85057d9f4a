"""An enterprise gives its grant back; the next on the waiting list is served."""

from datetime import datetime

from django.db import transaction

from audit.actions.record import record
from audit.decisions import Actor, NotFound
from ledger.actions.post_transfer import Move, post_transfer
from ledger.models import Account
from treasury.moves import move_state
from vouchers import policy
from vouchers.actions.fund_window import locked, promote_waiting
from vouchers.models import Voucher, WindowAnswer
from vouchers.refusals import GrantInUse, WindowOver


@transaction.atomic
def give_back_grant(*, answer: WindowAnswer, actor: Actor, at: datetime) -> WindowAnswer:
    """granted or issued → given_back; the value returns to the window, a voucher is voided.

    Raises GrantInUse when anything was spent or reserved, WindowOver once the window is closed
    (its vouchers then lapse to the envelope like any other), StaleState, NotFound.
    """
    policy.require_role(actor, *policy.APPLICANTS)
    if actor.organization_id != answer.enterprise_id:
        raise NotFound(thing="window answer")
    window = locked(answer.window)
    if window.state not in ("open", "drawn"):
        raise WindowOver()
    # Its voucher may be made out at this very moment: wait for that, then look.
    WindowAnswer.objects.select_for_update(of=("self",), no_key=True).get(pk=answer.pk)
    answer.refresh_from_db()
    voucher = Voucher.objects.filter(window_answer=answer).first()
    source = _unspent(voucher) if voucher else window.granted
    move_state(answer, to="given_back", decided_at=at)
    if voucher is not None:
        move_state(voucher, to="voided")
    assert source is not None
    assert window.remaining is not None
    post_transfer(
        reference=f"window:{window.pk}:given-back:{answer.pk}",
        kind="return_to_window",
        moves=[Move(source, window.remaining, answer.granted_fen or 0)],
        effective_at=at,
        actor=actor,
        policy_version=window.version.label,
    )
    served = promote_waiting(window_id=window.pk)
    record(
        "claim_window.grant_given_back",
        subject=window,
        actor=actor,
        at=at,
        data={"answer": answer.pk, "amount_fen": answer.granted_fen, "served": served},
    )
    return answer


def _unspent(voucher: Voucher) -> Account:
    held = Voucher.objects.select_for_update(of=("self",), no_key=True).get(pk=voucher.pk)
    available = Account.objects.select_for_update().get(pk=held.available_id or 0)
    if held.state != Voucher.State.CLAIMED or available.balance_fen != held.face_fen:
        raise GrantInUse(serial=held.serial)
    return available
