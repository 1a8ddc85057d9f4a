"""Walk the hash chain: verify it in place, or export it for somebody who does not trust us."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Any

from django.db import DatabaseError, connection, transaction

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
    """Recompute every link from genesis and compare every event with its body, in the database."""
    faults = [*broken_links(), *edited_events()]
    waiting = 0
    for event in unsealed_events():
        if not event.waiting:
            faults.append(ChainFault(event.event_id, "event stands outside the chain"))
        elif event.age_seconds > SEALED_WITHIN_SECONDS:
            what = f"event is still not sealed after {event.age_seconds:.0f} s"
            faults.append(ChainFault(event.event_id, what))
        else:
            waiting += 1
    head = AuditLink.objects.order_by("-sequence").first()
    return ChainReport(
        AuditLink.objects.count(),
        head.sequence if head else 0,
        head.hash if head else GENESIS,
        tuple(faults),
        waiting,
    )


def broken_links(*, after: int = 0, upto: int = 2**62) -> Iterator[ChainFault]:
    """Links with sequence in (after, upto] that do not follow the one before, or not their body.

    A span begins at the link `after`, whose hash is taken as it stands; 0 is genesis.
    """
    with connection.cursor() as cursor:
        cursor.execute(FOLLOWS, {"after": after, "upto": upto, "genesis": GENESIS})
        found = cursor.fetchall()
        cursor.execute(HASHES, {"after": after, "upto": upto})
        found += cursor.fetchall()
    yield from (ChainFault(*row) for row in sorted(found))


FOLLOWS = """
    SELECT sequence, CASE WHEN sequence <> last + 1 THEN 'expected sequence ' || last + 1
                          ELSE 'does not follow the link before it' END
      FROM (SELECT sequence, previous_hash,
                   lag(sequence, 1, 0::bigint) OVER before AS last,
                   lag(hash::text, 1, %(genesis)s) OVER before AS last_hash
              FROM audit_auditlink WHERE sequence BETWEEN %(after)s AND %(upto)s
            WINDOW before AS (ORDER BY sequence)) links
     WHERE sequence > %(after)s AND (sequence <> last + 1 OR previous_hash <> last_hash)
"""

HASHES = """
    SELECT l.sequence, CASE WHEN e.id IS NULL THEN 'its event is gone'
                            ELSE 'body does not match its hash' END
      FROM audit_auditlink l LEFT JOIN audit_auditevent e ON e.id = l.event_id
     WHERE l.sequence > %(after)s AND l.sequence <= %(upto)s
       AND (e.id IS NULL OR l.hash <> encode(
            sha256(convert_to(l.previous_hash || E'\\n' || e.body, 'UTF8')), 'hex'))
"""


def edited_events() -> Iterator[ChainFault]:
    """Events whose columns say something else than their body, which is what is hashed."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(COLUMNS)
            found = [event_id for (event_id,) in cursor]
    except DatabaseError:  # a body that is not even JSON: look at each one alone
        found = [
            event.pk
            for event in AuditEvent.objects.order_by("pk").iterator(chunk_size=CHUNK_ROWS)
            if not _says_what_its_body_says(event)
        ]
    for event_id in found:
        yield ChainFault(event_id, "columns of the event differ from its body")


COLUMNS = """
    SELECT id
      FROM (SELECT *, body::jsonb AS said FROM audit_auditevent OFFSET 0) e
     WHERE said - 'occurred_at' <> jsonb_build_object(
               'kind', kind, 'subject_type', subject_type, 'subject_id', subject_id,
               'person_id', person_id, 'organization_id', organization_id,
               'actor_label', actor_label, 'data', data)
        OR (said->>'occurred_at')::timestamptz IS DISTINCT FROM occurred_at
     ORDER BY id
"""


def _says_what_its_body_says(event: AuditEvent) -> bool:
    try:
        said = json.loads(event.body)
        occurred_at = datetime.fromisoformat(said.pop("occurred_at"))
    except (ValueError, KeyError, TypeError, AttributeError):
        return False
    columns = ("kind", "subject_type", "subject_id", "person_id", "organization_id", "actor_label")
    written = {name: getattr(event, name) for name in (*columns, "data")}
    return said == written and occurred_at == event.occurred_at


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
