"""Take a batch of meter readings in, as sets: COPY, mark, insert."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import connection, transaction

from audit.actions.record import record
from audit.canonical import sha256_hex
from audit.decisions import Actor, Invalid
from providers.models import Facility, Meter
from providers.policy import require_provider


@dataclass(frozen=True, slots=True)
class IncomingReading:
    """One interval as sent: half-open, aware; `quantity` in the unit of the meter's kind."""

    meter_id: int
    event_id: str
    starts_at: datetime
    ends_at: datetime
    quantity: Decimal


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


_STAGE = """
    CREATE TEMPORARY TABLE IF NOT EXISTS incoming_reading (
        position integer, meter_id bigint, event_id text, starts_at timestamptz,
        ends_at timestamptz, quantity numeric(20, 6), fate text, reason text
    ) ON COMMIT DROP;
    TRUNCATE incoming_reading
"""
_COPY = (
    "COPY incoming_reading (position, meter_id, event_id, starts_at, ends_at, quantity) FROM STDIN"
)

# The first of an event stands, in the batch as in the table, for ever.
_MARK_REPEATED = """
    WITH ranked AS (
        SELECT position,
               first_value(position) OVER (PARTITION BY event_id ORDER BY position) AS first
          FROM incoming_reading
    )
    UPDATE incoming_reading i
       SET fate = CASE WHEN (i.meter_id, i.starts_at, i.ends_at, i.quantity)
                          = (f.meter_id, f.starts_at, f.ends_at, f.quantity)
                       THEN 'duplicate' ELSE 'conflicting' END
      FROM ranked r JOIN incoming_reading f ON f.position = r.first
     WHERE i.position = r.position AND r.first <> r.position
"""
_MARK_KNOWN = """
    UPDATE incoming_reading i
       SET fate = CASE WHEN i.meter_id = r.meter_id AND i.quantity = r.quantity
                            AND r.period = tstzrange(i.starts_at, i.ends_at)
                       THEN 'duplicate' ELSE 'conflicting' END
      FROM providers_meterreading r
     WHERE i.fate IS NULL AND r.source = %(source)s AND r.event_id = i.event_id
"""
_MARK_IMPOSSIBLE_ALONE = """
    UPDATE incoming_reading i
       SET fate = 'quarantined',
           reason = CASE WHEN i.quantity < 0 THEN 'negative'
                         WHEN i.ends_at > %(at)s THEN 'in_the_future'
                         ELSE 'too_coarse' END
      FROM providers_meter m
     WHERE i.fate IS NULL AND m.id = i.meter_id
       AND (i.quantity < 0 OR i.ends_at > %(at)s
            OR (m.kind NOT IN ('water_m3', 'reused_heat_kwh')
                AND date_trunc('hour', i.starts_at)
                    <> date_trunc('hour', i.ends_at - interval '1 microsecond')))
"""
# PUE < 1 is impossible. Of two new values nobody can say which is wrong, so both are set aside;
# beside an accepted value the newcomer is.
_MARK_IT_ABOVE_TOTAL = """
    UPDATE incoming_reading i SET fate = 'quarantined', reason = 'it_above_total'
      FROM (
        SELECT a.position AS it, b.position AS total
          FROM incoming_reading a
          JOIN incoming_reading b ON b.starts_at = a.starts_at AND b.ends_at = a.ends_at
         WHERE a.meter_id = %(it)s AND b.meter_id = %(total)s
           AND a.fate IS NULL AND b.fate IS NULL AND a.quantity > b.quantity
      ) pair
     WHERE i.position IN (pair.it, pair.total)
"""
_MARK_AGAINST_ACCEPTED = """
    UPDATE incoming_reading i SET fate = 'quarantined', reason = 'it_above_total'
      FROM providers_meterreading r
     WHERE i.fate IS NULL AND i.meter_id = %(mine)s
       AND r.meter_id = %(other)s AND r.state = 'accepted'
       AND r.period && (SELECT tstzrange(min(starts_at), max(ends_at)) FROM incoming_reading)
       AND r.period = tstzrange(i.starts_at, i.ends_at)
       AND i.quantity * %(sign)s > r.quantity * %(sign)s
"""
# The exclusion constraint finds the overlaps, in the batch and in the table alike.
_ACCEPT = """
    WITH taken AS (
        INSERT INTO providers_meterreading
               (meter_id, source, event_id, period, quantity, state, reason, recorded_at)
        SELECT meter_id, %(source)s, event_id, tstzrange(starts_at, ends_at), quantity,
               'accepted', NULL, %(at)s
          FROM incoming_reading WHERE fate IS NULL ORDER BY position
            ON CONFLICT DO NOTHING
        RETURNING event_id
    )
    UPDATE incoming_reading i SET fate = 'accepted' FROM taken
     WHERE i.fate IS NULL AND i.event_id = taken.event_id
"""
_MARK_OVERLAP = """
    UPDATE incoming_reading SET fate = 'quarantined', reason = 'overlap' WHERE fate IS NULL
"""
_KEEP_QUARANTINED = """
    INSERT INTO providers_meterreading
           (meter_id, source, event_id, period, quantity, state, reason, recorded_at)
    SELECT meter_id, %(source)s, event_id, tstzrange(starts_at, ends_at), quantity,
           'quarantined', reason, %(at)s
      FROM incoming_reading WHERE fate = 'quarantined' ORDER BY position
        ON CONFLICT (source, event_id) DO NOTHING
"""


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

    Every row is accepted, known already, or quarantined with its reason; none is lost. Raises
    NotPermitted, NotFound, and Invalid for rows that are malformed or name another's meter: then
    nothing is taken.
    """
    require_provider(actor, facility.provider_id)
    meters = _locked_meters(facility)
    _check_form(source, readings, {meter.pk for meter in meters})
    with connection.cursor() as cursor:
        cursor.execute(_STAGE)
        with cursor.copy(_COPY) as copy:
            for position, row in enumerate(readings):
                copy.write_row(
                    (
                        position,
                        row.meter_id,
                        row.event_id,
                        row.starts_at,
                        row.ends_at,
                        row.quantity,
                    )
                )
        cursor.execute("ANALYZE incoming_reading")
        # Under the provider's own name: nobody can use up another's event numbers.
        given: dict[str, str | datetime] = {
            "source": f"{facility.provider.uscc}/{source}",
            "at": at,
        }
        cursor.execute(_MARK_REPEATED)
        cursor.execute(_MARK_KNOWN, given)
        cursor.execute(_MARK_IMPOSSIBLE_ALONE, given)
        by_kind = {meter.kind: meter.pk for meter in meters if meter.pool_id is None}
        it, total = by_kind.get("it_kwh"), by_kind.get("facility_total_kwh")
        if it is not None and total is not None:
            cursor.execute(_MARK_IT_ABOVE_TOTAL, {"it": it, "total": total})
            cursor.execute(_MARK_AGAINST_ACCEPTED, {"mine": it, "other": total, "sign": 1})
            cursor.execute(_MARK_AGAINST_ACCEPTED, {"mine": total, "other": it, "sign": -1})
        cursor.execute(_ACCEPT, given)
        cursor.execute(_MARK_OVERLAP)
        cursor.execute(_KEEP_QUARANTINED, given)
        cursor.execute("SELECT fate, count(*) FROM incoming_reading GROUP BY fate")
        counts: dict[str, int] = dict(cursor.fetchall())
        cursor.execute(
            "SELECT position, fate, reason FROM incoming_reading WHERE fate <> 'accepted' "
            "ORDER BY position"
        )
        not_accepted = tuple(RowFate(*row) for row in cursor.fetchall())
    result = IngestResult(
        accepted=counts.get("accepted", 0),
        duplicate=counts.get("duplicate", 0),
        conflicting=counts.get("conflicting", 0),
        quarantined=counts.get("quarantined", 0),
        not_accepted=not_accepted,
    )
    if result.accepted or result.quarantined:
        record(
            "readings.ingested",
            subject=facility,
            actor=actor,
            at=at,
            data={"source": source, "rows": len(readings), **counts, "sha256": _digest(readings)},
        )
    return result


def _locked_meters(facility: Facility) -> list[Meter]:
    """Batches of one facility wait for each other, in one order."""
    return list(
        Meter.objects.filter(facility=facility).order_by("pk").select_for_update(no_key=True)
    )


def _check_form(source: str, readings: Sequence[IncomingReading], meters: set[int]) -> None:
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
