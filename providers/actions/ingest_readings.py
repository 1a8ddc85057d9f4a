"""Take a batch of meter readings in, as sets: COPY, mark, insert."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, connection, transaction

from audit.actions.record import record
from audit.canonical import sha256_hex
from audit.decisions import Actor, Invalid
from providers import intake
from providers.models import Facility, Meter
from providers.policy import require_meter_sender
from providers.reading_months import make_months, month_of

CLOCK_TOLERANCE = timedelta(minutes=5)
OLDEST = timedelta(days=3 * 366)
FURTHEST = (timedelta(days=7320), timedelta(days=732))  # beyond, not even a quarantine keeps it


@dataclass(frozen=True, slots=True)
class IncomingReading:
    """One interval as sent: half-open, aware; `quantity` in the unit of the meter's kind.

    corrects   the event whose value this replaces: same meter, same interval; None = a new reading
    doubt      a reason (MeterReading.Reason) the caller already has against it
    """

    meter_id: int
    event_id: str
    starts_at: datetime
    ends_at: datetime
    quantity: Decimal
    corrects: str | None = None
    doubt: str | None = None


@dataclass(frozen=True, slots=True)
class RowFate:
    """What became of a row that was not accepted. `position` counts from 0.

    fate     duplicate (same event, same content) | conflicting (same event, other content: the
             first one stands) | quarantined, with its `reason`
    """

    position: int
    fate: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class IngestResult:
    """Counts, and the rows that were not accepted."""

    accepted: int
    duplicate: int
    conflicting: int
    quarantined: int
    not_accepted: tuple[RowFate, ...]


@transaction.atomic
def ingest_readings(
    *,
    facility: Facility,
    source: str,
    readings: Sequence[IncomingReading],
    actor: Actor,
    at: datetime,
) -> IngestResult:
    """Take `readings` of one facility's meters, sent by `source`; sending again changes nothing.

    Every row is accepted, known already, or quarantined with its reason; none is lost. A correction
    is a new row beside the one it corrects. Raises NotPermitted, NotFound, and Invalid for rows
    that are malformed or name another's meter: then nothing is taken.
    """
    require_meter_sender(actor, facility.provider_id)
    meters = _locked_meters(facility)
    _check_form(source, readings, {meter.pk for meter in meters}, at)
    make_months({month_of(row.starts_at) for row in readings})
    with connection.cursor() as cursor:
        cursor.execute(intake.STAGE)
        with cursor.copy(intake.COPY) as copy:
            copy.write("".join(_line(position, row) for position, row in enumerate(readings)))
        cursor.execute("ANALYZE incoming_reading")
        given = _given(cursor, facility, source, readings, at)
        corrects = any(row.corrects for row in readings)
        _mark(cursor, given, meters, corrects)
        cursor.execute(intake.REGISTER, given)
        _insert(cursor, given, corrects)
        counts, not_accepted = _told(cursor, len(readings))
    result = IngestResult(
        accepted=counts.get("accepted", 0),
        duplicate=counts.get("duplicate", 0),
        conflicting=counts.get("conflicting", 0),
        quarantined=counts.get("quarantined", 0),
        not_accepted=not_accepted,
    )
    if result.accepted or result.quarantined:
        corrections = sum(row.corrects is not None for row in readings)
        record(
            "readings.ingested",
            subject=facility,
            actor=actor,
            at=at,
            data={
                "source": source,
                "rows": len(readings),
                **counts,
                **({"corrections": corrections} if corrections else {}),
                "sha256": _digest(readings),
            },
        )
    return result


def _given(
    cursor: Any, facility: Facility, source: str, readings: Sequence[IncomingReading], at: datetime
) -> dict[str, Any]:
    # Under the provider's own name: nobody can use up another's event numbers.
    given: dict[str, Any] = {
        "source": f"{facility.provider.uscc}/{source}",
        "at": at,
        "latest": at + CLOCK_TOLERANCE,
        "oldest": at - OLDEST,
        "first": min(row.starts_at for row in readings),
        "last": max(row.ends_at for row in readings),
    }
    cursor.execute(intake.SOURCE, given)
    given["source_id"] = cursor.fetchone()[0]
    # Batches of one source wait for each other: an event is new or known, nothing in between.
    cursor.execute(
        "SELECT pg_advisory_xact_lock(hashtext('providers_meterevent'), %s)",
        [given["source_id"] % 2**31],
    )
    return given


def _mark(cursor: Any, given: dict[str, Any], meters: Sequence[Meter], corrects: bool) -> None:
    cursor.execute(intake.KNOWN_OR_REPEATED, given)
    if cursor.fetchone()[0]:
        cursor.execute(intake.MARK_REPEATED)
        cursor.execute(intake.MARK_KNOWN, given)
    cursor.execute(intake.MARK_IMPOSSIBLE_ALONE, given)
    if corrects:
        cursor.execute(intake.MARK_REVISIONS, given)
        cursor.execute(intake.MARK_CORRECTS_NOTHING)
    by_kind = {meter.kind: meter.pk for meter in meters if meter.pool_id is None}
    it, total = by_kind.get("it_kwh"), by_kind.get("facility_total_kwh")
    if it is not None and total is not None:
        cursor.execute(intake.MARK_IT_ABOVE_TOTAL, {"it": it, "total": total})
        pair = given | {"mine": it, "other": total, "sign": 1}
        cursor.execute(intake.MARK_AGAINST_ACCEPTED, pair)
        pair = given | {"mine": total, "other": it, "sign": -1}
        cursor.execute(intake.MARK_AGAINST_ACCEPTED, pair)


def _insert(cursor: Any, given: dict[str, Any], corrects: bool) -> None:
    try:
        with transaction.atomic():
            cursor.execute(intake.ACCEPT_ALL, given)
    except IntegrityError:
        cursor.execute(intake.ACCEPT_THOSE_THAT_FIT, given)
        cursor.execute(intake.MARK_OVERLAP)
    cursor.execute(intake.ROLL_UP)
    if corrects:
        cursor.execute(intake.ROLL_UP_CORRECTIONS)
    cursor.execute(intake.KEEP_QUARANTINED, given)


def _told(cursor: Any, rows: int) -> tuple[dict[str, int], tuple[RowFate, ...]]:
    cursor.execute(
        "SELECT position, fate, reason FROM incoming_reading "
        "WHERE fate IS NOT NULL AND fate <> 'accepted' ORDER BY position"
    )
    fates = tuple(RowFate(*row) for row in cursor.fetchall())
    counts: dict[str, int] = {}
    for each in fates:
        counts[each.fate] = counts.get(each.fate, 0) + 1
    if rows > len(fates):
        counts["accepted"] = rows - len(fates)
    return counts, fates


def _locked_meters(facility: Facility) -> list[Meter]:
    """Batches of one facility wait for each other, in one order."""
    return list(
        Meter.objects.filter(facility=facility).order_by("pk").select_for_update(no_key=True)
    )


def _line(position: int, row: IncomingReading) -> str:
    """One row as COPY reads it."""
    corrects = "\\N" if row.corrects is None else _escaped(row.corrects)
    doubt = "\\N\t\\N" if row.doubt is None else f"quarantined\t{row.doubt}"
    return (
        f"{position}\t{row.meter_id}\t{_escaped(row.event_id)}\t{row.starts_at.isoformat()}\t"
        f"{row.ends_at.isoformat()}\t{row.quantity}\t{corrects}\t{doubt}\n"
    )


def _escaped(text: str) -> str:
    if text.isprintable() and "\\" not in text:
        return text
    text = text.replace("\\", "\\\\").replace("\t", "\\t")
    return text.replace("\n", "\\n").replace("\r", "\\r")


def _check_form(
    source: str, readings: Sequence[IncomingReading], meters: set[int], at: datetime
) -> None:
    if not source:
        raise Invalid("source", "must not be empty", "不能为空")
    if not readings:
        raise Invalid("readings", "must not be empty", "不能为空")
    for position, row in enumerate(readings):
        where = f"readings[{position}]"
        if row.meter_id not in meters:
            raise Invalid(f"{where}.meter", "not a meter of this facility", "不是本设施的计量表")
        if not row.event_id:
            raise Invalid(f"{where}.event_id", "must not be empty", "不能为空")
        if row.starts_at.tzinfo is None or row.ends_at.tzinfo is None:
            raise Invalid(f"{where}.starts_at", "needs a time zone", "须带时区")
        if row.ends_at <= row.starts_at:
            raise Invalid(f"{where}.ends_at", "must be after starts_at", "须晚于 starts_at")
        if not at - FURTHEST[0] < row.starts_at < at + FURTHEST[1]:
            raise Invalid(f"{where}.starts_at", "is not of our time", "时间超出合理范围")
        if not row.quantity.is_finite() or abs(row.quantity) >= 10**14:
            raise Invalid(f"{where}.quantity", "must be below 1e14", "须为小于 1e14 的数")


def _digest(readings: Sequence[IncomingReading]) -> str:
    """SHA-256 over one line per row, in the order sent."""
    return sha256_hex(
        "\n".join(
            f"{r.meter_id}\t{r.event_id}\t{r.starts_at.isoformat()}\t{r.ends_at.isoformat()}"
            f"\t{r.quantity}"
            for r in readings
        )
    )
