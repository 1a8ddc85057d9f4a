"""Say once when three quarters, nine tenths or all of a budget are promised."""

from datetime import datetime

from django.db import transaction

from audit.actions.record import record
from audit.decisions import Actor
from treasury.budget_use import budget_use
from treasury.models import Envelope, EnvelopeAlert


@transaction.atomic
def raise_envelope_alerts(*, actor: Actor, at: datetime) -> int:
    """Raise each alert that is due and was not raised for this size of the budget; how many.

    An addition makes the budget bigger, so its thresholds may be reached, and said, once more.
    """
    raised = 0
    running = Envelope.objects.filter(state__in=["open", "frozen", "closing"])
    for envelope in running.select_related("book").order_by("pk"):
        use = budget_use(envelope, at=at)
        for percent in use.alerts:
            alert, created = EnvelopeAlert.objects.get_or_create(
                envelope=envelope,
                percent=percent,
                appropriated_fen=use.appropriated_fen,
                defaults={"available_fen": use.left_fen, "raised_at": at},
            )
            if not created:
                continue
            raised += 1
            record(
                "envelope.alert",
                subject=envelope,
                actor=actor,
                at=at,
                data={
                    "percent": alert.percent,
                    "appropriated_fen": alert.appropriated_fen,
                    "available_fen": alert.available_fen,
                },
            )
    return raised
