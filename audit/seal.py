"""Join committed events to the chain, after the commit that made them.

Whoever records an event only inserts it. A sealer appends the links: gapless, never one before
another that was committed before it began, one sealer at a time, under a lock that no writer takes.
The SQL function `audit_seal` (audit/migrations/sql/seal.sql) is the only writer of links; the
application's role may call it and write none itself. Every sweep of the outbox seals first.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from django.db import connection, models
from django.db.models import Case, Exists, Max, OuterRef, Q, Subquery, Value, When
from django.db.models.functions import Coalesce, Now
from django.utils.translation import gettext_lazy as _

from audit.models import AuditEvent, AuditLink, SealingCursor, UnseenRange

SEAL_ROWS = 5000
SEALED_WITHIN_SECONDS = 900  # the outbox sweeps every few seconds: later, something is wrong


def seal_some(max_rows: int = SEAL_ROWS) -> int:
    """Seal at most `max_rows` committed events; how many were dealt with.

    Fewer than `max_rows` means that nothing committed before the call is left. A sealer that is
    killed leaves nothing: its links are one transaction.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT audit_seal(%s)", [max_rows])
        return int(cursor.fetchone()[0])


def seal_events(max_rows: int = SEAL_ROWS) -> int:
    """Seal all that was committed before the call, `max_rows` a transaction; how many."""
    sealed = 0
    while True:
        dealt_with = seal_some(max_rows)
        sealed += dealt_with
        if dealt_with < max_rows:
            return sealed


class SealState(models.TextChoices):
    """Where an event stands. OUTSIDE is a fault: no sealer will ever come to it."""

    SEALED = "sealed", _("sealed")
    WAITING = "waiting", _("recorded, not sealed yet")
    OUTSIDE = "outside", _("outside the chain")


def seal_state() -> Case:
    """The SealState of each row, to annotate a query of AuditEvent with."""
    passed = SealingCursor.objects.values("last_event_id")[:1]
    unseen = UnseenRange.objects.filter(first_id__lte=OuterRef("pk"), last_id__gte=OuterRef("pk"))
    return Case(
        When(link__isnull=False, then=Value(SealState.SEALED)),
        When(
            Q(pk__gt=Coalesce(Subquery(passed), Value(0))) | Q(Exists(unseen)),
            then=Value(SealState.WAITING),
        ),
        default=Value(SealState.OUTSIDE),
        output_field=models.TextField(choices=SealState),
    )


@dataclass(frozen=True)
class Unsealed:
    """An event without a link. `waiting`: a sealer will come to it; else it stands outside."""

    event_id: int
    waiting: bool
    age_seconds: float


def unsealed_events() -> Iterator[Unsealed]:
    """Committed events that have no link (yet), in the order of their ids."""
    rows = AuditEvent.objects.filter(link__isnull=True).annotate(state=seal_state(), asked_at=Now())
    for event_id, state, recorded_at, asked_at in rows.order_by("pk").values_list(
        "pk", "state", "recorded_at", "asked_at"
    ):
        age = (asked_at - recorded_at).total_seconds()
        yield Unsealed(event_id, state == SealState.WAITING, age)


def chain_length() -> int:
    """The sequence of the last link; 0 while there is none. Links are gapless from 1."""
    return AuditLink.objects.aggregate(last=Max("sequence"))["last"] or 0
