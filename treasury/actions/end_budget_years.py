"""When a budget year is over in Shanghai, its envelopes close; what is left lapses to that year."""

from datetime import datetime
from zoneinfo import ZoneInfo

from django.db import transaction

from audit.actions.record import record
from audit.decisions import Actor, StaleState
from treasury.actions.close_envelope import lapse_and_close
from treasury.models import Envelope
from treasury.moves import move_state
from treasury.refusals import SuspenseNotEmpty

SHANGHAI = ZoneInfo("Asia/Shanghai")


def end_budget_years(*, actor: Actor, at: datetime) -> dict[str, int]:
    """Begin closing every envelope of a past year, and close those with nothing committed.

    Returns how many were moved to closing, closed, and are waiting (something is still committed,
    or a bank return of the book is unidentified). Each envelope is its own transaction, so that
    one that cannot close stops no other. Safe to run again at any time.
    """
    this_year = at.astimezone(SHANGHAI).year
    done = {"closing": 0, "closed": 0, "waiting": 0}
    over = Envelope.objects.filter(book__budget_year__lt=this_year).select_related("book")
    for envelope in over.filter(state__in=["open", "frozen"]).order_by("pk"):
        with transaction.atomic():
            move_state(envelope, to=Envelope.State.CLOSING)
            record(
                "envelope.closing",
                subject=envelope,
                actor=actor,
                at=at,
                data={"budget_year": envelope.book.budget_year, "why": "the year is over"},
            )
            done["closing"] += 1
    for envelope in over.filter(state="closing").order_by("pk"):
        try:
            lapse_and_close(envelope=envelope, actor=actor, at=at)
            done["closed"] += 1
        except (StaleState, SuspenseNotEmpty):
            done["waiting"] += 1
    return done
