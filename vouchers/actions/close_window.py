"""Close a claim window: make out what was granted, turn the rest away, give back what is left."""

from datetime import datetime

from django.db import transaction

from audit.actions.record import record
from audit.decisions import Actor, StaleState
from treasury.moves import move_state
from vouchers import policy
from vouchers.actions.fund_window import locked, put_back
from vouchers.actions.make_out_vouchers import make_out_vouchers
from vouchers.models import ClaimWindow, WindowAnswer
from vouchers.queries import claim_clock
from vouchers.refusals import WindowStillRuns

EVERYTHING = 2**31


@transaction.atomic
def close_window(*, window: ClaimWindow, actor: Actor, at: datetime) -> ClaimWindow:
    """open (or drawn, for a lottery) → closed, not before it ends by the database's clock.

    Raises WindowStillRuns, StaleState, NotPermitted, NotFound.
    """
    policy.require_issuer(actor, window.programme.issuer, *policy.DRAFTERS, *policy.APPROVERS)
    window = locked(window)
    if window.state in ("open", "drawn") and claim_clock() < window.closes_at:
        raise WindowStillRuns(closes_at=window.closes_at.isoformat())
    if window.order == ClaimWindow.Order.LOTTERY and window.state == ClaimWindow.State.OPEN:
        raise StaleState(thing="claim window", current="open", needed="drawn")
    move_state(window, to="closed")
    make_out_vouchers(window_id=window.pk, at_most=EVERYTHING)
    turned_away = WindowAnswer.objects.filter(window=window, state="waiting").update(
        state="turned_away", decided_at=at
    )
    returned_fen = put_back(window=window, actor=actor, at=at)
    record(
        "claim_window.closed",
        subject=window,
        actor=actor,
        at=at,
        data={"turned_away": turned_away, "returned_fen": returned_fen},
    )
    return window
