"""Walk the hash chain: verify it in place, or export it for somebody who does not trust us."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Any

from audit.canonical import canonical_json
from audit.models import AuditEvent, AuditLink
from audit.seal import SEALED_WITHIN_SECONDS, unsealed_events

GENESIS = "0" * 64
CHUNK_ROWS = 5000


@dataclass(frozen=True)
class ChainFault:
    """One row that does not fit: where, and what is wrong with it."""

    sequence: int
    what: str


@dataclass(frozen=True)
class ChainReport:
    """The result of a walk: events seen, the head's hash, every fault found.

    `waiting` events are recorded and not sealed yet, which is no fault for a while.
    """

    events: int
    head_sequence: int
    head_hash: str
    faults: tuple[ChainFault, ...]
    waiting: int = 0


def chain_hash(previous_hash: str, body: str) -> str:
    """SHA-256(previous hash, newline, body) in hexadecimal; the rule the database applies."""
    return hashlib.sha256(f"{previous_hash}\n{body}".encode()).hexdigest()


def chain_rows(*, after: int = 0, upto: int | None = None) -> Iterator[Mapping[str, Any]]:
    """Links with their events' bodies in order, streamed."""
    links = AuditLink.objects.filter(sequence__gt=after).order_by("sequence")
    if upto is not None:
        links = links.filter(sequence__lte=upto)
    yield from links.values(
        "sequence", "event_id", "previous_hash", "hash", "event__body"
    ).iterator(chunk_size=CHUNK_ROWS)


def verify_chain() -> ChainReport:
    """Recompute every link from genesis and compare every event with its body."""
    faults: list[ChainFault] = []
    expected, previous, count = 1, GENESIS, 0
    for row in chain_rows():
        count += 1
        if row["sequence"] != expected:
            faults.append(ChainFault(row["sequence"], f"expected sequence {expected}"))
        if row["previous_hash"] != previous:
            faults.append(ChainFault(row["sequence"], "does not follow the link before it"))
        if row["hash"] != chain_hash(row["previous_hash"], row["event__body"]):
            faults.append(ChainFault(row["sequence"], "body does not match its hash"))
        expected, previous = row["sequence"] + 1, row["hash"]
    for row_ in AuditEvent.objects.iterator(chunk_size=CHUNK_ROWS):
        if row_.body != _body_of(row_):
            faults.append(ChainFault(row_.pk, "columns of the event differ from its body"))
    waiting = 0
    for event in unsealed_events():
        if not event.waiting:
            faults.append(ChainFault(event.event_id, "event stands outside the chain"))
        elif event.age_seconds > SEALED_WITHIN_SECONDS:
            what = f"event is still not sealed after {event.age_seconds:.0f} s"
            faults.append(ChainFault(event.event_id, what))
        else:
            waiting += 1
    return ChainReport(count, expected - 1, previous, tuple(faults), waiting)


def _body_of(event: AuditEvent) -> str:
    written = json.loads(event.body)
    return canonical_json(
        {
            "kind": event.kind,
            "subject_type": event.subject_type,
            "subject_id": event.subject_id,
            "person_id": event.person_id,
            "organization_id": event.organization_id,
            "actor_label": event.actor_label,
            # An instant may be written with another offset; it must still be the same instant.
            "occurred_at": written["occurred_at"]
            if _same_instant(written["occurred_at"], event)
            else event.occurred_at,
            "data": event.data,
        }
    )


def _same_instant(text: str, event: AuditEvent) -> bool:
    return datetime.fromisoformat(text) == event.occurred_at


def export_chain(out: IO[str], *, after: int = 0, upto: int | None = None) -> ChainReport:
    """Write one JSON line per link, byte for byte the same on every run, and report the head."""
    count, sequence, head = 0, after, GENESIS
    for row in chain_rows(after=after, upto=upto):
        line = {
            "sequence": row["sequence"],
            "previous_hash": row["previous_hash"],
            "hash": row["hash"],
            "body": row["event__body"],
        }
        out.write(canonical_json(line) + "\n")
        count, sequence, head = count + 1, row["sequence"], row["hash"]
    return ChainReport(count, sequence, head, ())
