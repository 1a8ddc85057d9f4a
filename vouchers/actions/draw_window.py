"""Draw a lottery: reveal the seed, give every entry its place, serve in that order."""

from datetime import datetime

from django.db import connection, transaction

from audit.actions.record import record
from audit.decisions import SYSTEM, Actor, Invalid
from treasury.moves import move_state
from vouchers import policy
from vouchers.actions.fund_window import locked, promote_waiting
from vouchers.models import ClaimWindow, WindowAnswer
from vouchers.queries import claim_clock
from vouchers.refusals import WindowStillRuns

# docs/draw_order.py and vouchers/claiming/draw_order.py state the same rule.
PLACES = """
UPDATE vouchers_windowanswer a SET place = drawn.place, state = 'waiting'
  FROM (SELECT w.id, row_number() OVER (
                   ORDER BY encode(sha256(convert_to(%s || ':' || o.uscc, 'UTF8')), 'hex')
                            COLLATE "C", o.uscc COLLATE "C") AS place
          FROM vouchers_windowanswer w JOIN identity_organization o ON o.id = w.enterprise_id
         WHERE w.window_id = %s AND w.state = 'entered') AS drawn
 WHERE a.id = drawn.id
"""


@transaction.atomic
def draw_window(*, window: ClaimWindow, actor: Actor, at: datetime) -> ClaimWindow:
    """open → drawn, once the window is over by the database's clock.

    Raises Invalid for a window that is no lottery, WindowStillRuns, StaleState, NotPermitted.
    """
    if actor is not SYSTEM:
        policy.require_issuer(actor, window.programme.issuer, *policy.DRAFTERS, *policy.APPROVERS)
    window = locked(window)
    if window.order != ClaimWindow.Order.LOTTERY:
        raise Invalid("order", "this window is not a lottery", "该窗口不是摇号窗口")
    if window.state == ClaimWindow.State.OPEN and claim_clock() < window.closes_at:
        raise WindowStillRuns(closes_at=window.closes_at.isoformat())
    seed = window.secret.seed
    entries = WindowAnswer.objects.filter(window=window, state="entered").count()
    move_state(window, to="drawn", seed=seed)
    with connection.cursor() as cursor:
        cursor.execute(PLACES, [seed, window.pk])
    record(
        "claim_window.drawn",
        subject=window,
        actor=actor,
        at=at,
        data={"seed": seed, "seed_commitment": window.seed_commitment, "entries": entries},
    )
    promote_waiting(window_id=window.pk)
    return window
