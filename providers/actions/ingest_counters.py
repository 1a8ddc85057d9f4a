"""Take counter readings in: differences within an epoch become interval readings."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import connection, transaction

from audit.decisions import Actor
from providers.actions.ingest_readings import IncomingReading, IngestResult, ingest_readings
from providers.models import CounterReading, Facility, Meter
from providers.policy import require_meter_sender

_LAST = """
    SELECT DISTINCT ON (meter_id, epoch) meter_id, epoch, read_at, value
      FROM providers_counterreading
     WHERE meter_id = ANY(%s) AND read_at < %s
     ORDER BY meter_id, epoch, read_at DESC
"""


@dataclass(frozen=True, slots=True)
class CounterRead:
    """A counter as it stood at `read_at`. `epoch` rises when the counter was reset or replaced."""

    meter_id: int
    event_id: str
    epoch: int
    read_at: datetime
    value: Decimal


@transaction.atomic
def ingest_counters(
    *,
    facility: Facility,
    source: str,
    reads: Sequence[CounterRead],
    actor: Actor,
    at: datetime,
) -> IngestResult:
    """Keep `reads` and take their differences in as readings, under the later read's event.

    The first read of an epoch begins it and gives no interval: what was used between two epochs is
    a gap, not a guess. A counter that went back within an epoch is quarantined. Raises what
    `ingest_readings` raises.
    """
    require_meter_sender(actor, facility.provider_id)
    mine = set(Meter.objects.filter(facility=facility).values_list("pk", flat=True))
    known = [read for read in reads if read.meter_id in mine]
    derived = _intervals(known)
    CounterReading.objects.bulk_create(
        (
            CounterReading(
                meter_id=read.meter_id, epoch=read.epoch, read_at=read.read_at, value=read.value
            )
            for read in known
        ),
        batch_size=5000,
        ignore_conflicts=True,
    )
    if not derived:
        return IngestResult(0, 0, 0, 0, ())
    return ingest_readings(facility=facility, source=source, readings=derived, actor=actor, at=at)


def _intervals(reads: Sequence[CounterRead]) -> list[IncomingReading]:
    if not reads:
        return []
    last: dict[tuple[int, int], tuple[datetime, Decimal]] = {}
    with connection.cursor() as cursor:
        meters = sorted({read.meter_id for read in reads})
        cursor.execute(_LAST, [meters, min(read.read_at for read in reads)])
        for meter, epoch, read_at, value in cursor.fetchall():
            last[meter, epoch] = (read_at, value)
    derived = []
    for read in sorted(reads, key=lambda r: (r.meter_id, r.epoch, r.read_at)):
        key = (read.meter_id, read.epoch)
        before = last.get(key)
        if before is not None and read.read_at > before[0]:
            used = read.value - before[1]
            derived.append(
                IncomingReading(
                    meter_id=read.meter_id,
                    event_id=read.event_id,
                    starts_at=before[0],
                    ends_at=read.read_at,
                    quantity=used,
                    doubt="counter_went_back" if used < 0 else None,
                )
            )
        if before is None or read.read_at > before[0]:
            last[key] = (read.read_at, read.value)
    return derived
