"""The outbox: news travels upward by post, and each letter is acted on exactly once.

The chain is the outbox. `sweep` seals what was committed, walks the chain from a cursor and writes
one Delivery per reaction;
`run` executes a delivery in the same transaction that marks it done, so a crash anywhere either
leaves no trace or leaves it done. The broker only rings a bell: losing every message loses nothing,
because the sweep finds what is due.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

import structlog
from django.db import DatabaseError, connection, transaction

from audit.models import AuditEvent, AuditLink, Delivery, OutboxCursor
from audit.seal import chain_length, seal_some

log = structlog.get_logger(__name__)

Reaction = Callable[[AuditEvent], None]
MAX_ATTEMPTS = 8
SWEEP_ROWS = 5000
CLAIM_ROWS = 200
CLAIMED_SECONDS = 30


class Doorbell:
    """Rung after a commit that recorded events. What it does is fitted by the room on top."""

    def __init__(self) -> None:
        self._listener: Callable[[], None] | None = None

    def listen(self, listener: Callable[[], None]) -> None:
        self._listener = listener

    def ring(self) -> None:
        if self._listener is not None:
            self._listener()


doorbell = Doorbell()


def sweep(reactions: Mapping[str, Sequence[str]], *, at: datetime) -> list[tuple[int, str]]:
    """Write deliveries for new events; claim and return (id, reaction) of those due at `at`.

    `reactions` maps an event kind to the names of its reactions. A claimed delivery is not handed
    out again for CLAIMED_SECONDS, so that a slow queue is not flooded with copies; if the claimer
    dies, it is simply due again then. Safe to run from many processes at once: rows that another
    sweep holds are skipped, not waited for.
    """
    while _post_some(reactions, at=at):
        pass
    with transaction.atomic():
        due = list(
            Delivery.objects.select_for_update(skip_locked=True)
            .filter(state=Delivery.State.PENDING, due_at__lte=at)
            .order_by("id")
            .values_list("id", "reaction")[:CLAIM_ROWS]
        )
        Delivery.objects.filter(id__in=[id_ for id_, _reaction in due]).update(
            due_at=at + timedelta(seconds=CLAIMED_SECONDS)
        )
    return due


def _post_some(reactions: Mapping[str, Sequence[str]], *, at: datetime) -> bool:
    """Seal and walk one piece of the chain; whether there may be more to walk."""
    sealed = seal_some(SWEEP_ROWS)
    with transaction.atomic():
        OutboxCursor.objects.get_or_create(id=1)
        cursor = OutboxCursor.objects.select_for_update(skip_locked=True).filter(id=1).first()
        if cursor is None:  # another sweep is walking
            return False
        end = min(chain_length(), cursor.sequence + SWEEP_ROWS)
        walked = end - cursor.sequence
        if walked > 0:
            news = AuditLink.objects.filter(
                sequence__gt=cursor.sequence, sequence__lte=end, event__kind__in=reactions
            ).order_by("sequence")
            Delivery.objects.bulk_create(
                [
                    Delivery(event_id=event_id, reaction=name, due_at=at)
                    for event_id, kind in news.values_list("event_id", "event__kind")
                    for name in reactions[kind]
                ],
                ignore_conflicts=True,
            )
            cursor.sequence = end
            cursor.save(update_fields=["sequence"])
    return sealed == SWEEP_ROWS or walked == SWEEP_ROWS


def run(delivery_id: int, handlers: Mapping[str, Reaction], *, at: datetime) -> bool:
    """Run one delivery if it is still pending and nobody else holds it. True if it ran and is done.

    A reaction that raises is rolled back whole and tried again with backoff; after MAX_ATTEMPTS it
    is parked, visible in the back office, with its last error. A lost database connection is
    raised: nothing can be noted then, and the next sweep finds the delivery unchanged.
    """
    try:
        with transaction.atomic():
            delivery = (
                Delivery.objects.select_for_update(skip_locked=True, of=("self",))
                .select_related("event")
                .filter(pk=delivery_id, state=Delivery.State.PENDING)
                .first()
            )
            if delivery is None:
                return False
            handlers[delivery.reaction](delivery.event)
            delivery.state = Delivery.State.DONE
            delivery.attempts += 1
            delivery.done_at = at
            delivery.last_error = ""
            delivery.save()
            return True
    except Exception as error:
        if isinstance(error, DatabaseError) and not connection.is_usable():
            raise
        _note_failure(delivery_id, error, at=at)
        return False


def _note_failure(delivery_id: int, error: Exception, *, at: datetime) -> None:
    with transaction.atomic():
        delivery = Delivery.objects.select_for_update().get(pk=delivery_id)
        if delivery.state != Delivery.State.PENDING:
            return
        delivery.attempts += 1
        delivery.last_error = f"{type(error).__name__}: {error}"[:2000]
        delivery.due_at = at + timedelta(seconds=min(2**delivery.attempts, 600))
        if delivery.attempts >= MAX_ATTEMPTS:
            delivery.state = Delivery.State.PARKED
        delivery.save()
    log.warning(
        "reaction_failed",
        delivery_id=delivery_id,
        reaction=delivery.reaction,
        attempts=delivery.attempts,
        parked=delivery.state == Delivery.State.PARKED,
        error=delivery.last_error,
    )
