"""Readings at national scale: `make bench BENCH=metering [rows]` (default 1,000,000).

The batched path (check, deduplicate for ever, refuse overlaps, keep a record) against a plain COPY
of like rows into the same table with the same constraints, turn by turn in one run; then a
facility-year of hourly rows, summarised and rated.
"""

import json
import os
import resource
import statistics
import sys
import time
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import django

os.environ.setdefault("LOG_LEVEL", "WARNING")
django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connection, transaction  # noqa: E402

from audit.decisions import SYSTEM  # noqa: E402
from identity.actions.register_organization import register_organization  # noqa: E402
from providers.actions.add_meter import add_meter  # noqa: E402
from providers.actions.compute_rating import compute_rating  # noqa: E402
from providers.actions.ingest_readings import IncomingReading, ingest_readings  # noqa: E402
from providers.actions.load_supply_facts import load_supply_facts  # noqa: E402
from providers.actions.register_facility import register_facility  # noqa: E402
from providers.models import Facility, Meter, MeterSource  # noqa: E402
from providers.queries import metered_months  # noqa: E402
from tests.factories import NOW, make_uscc  # noqa: E402

HOUR = timedelta(hours=1)
STARTS = datetime(2024, 12, 31, 16, tzinfo=UTC)  # midnight, 1 January 2025, Asia/Shanghai
HOURS = 8760
KINDS = ("facility_total_kwh", "it_kwh", "onsite_generation_kwh", "direct_line_kwh")
VALUES = {
    "facility_total_kwh": Decimal("1185.25"),
    "it_kwh": Decimal("1000.125"),
    "onsite_generation_kwh": Decimal("40"),
    "direct_line_kwh": Decimal("20"),
}


def say(figure: str, value: float, unit: str, **detail: Any) -> None:
    told = {"bench": "metering", "figure": figure, "value": round(value, 4), "unit": unit}
    print(json.dumps({**told, "detail": detail}, ensure_ascii=False), flush=True)


def new_facility(number: int) -> tuple[Facility, list[Meter]]:
    provider = register_organization(
        kind="provider",
        name=f"bench {number}",
        uscc=make_uscc(number % 10**7, adcode="150100"),
        adcode="150100",
        actor=SYSTEM,
        at=NOW,
    )
    facility = register_facility(
        provider=provider, name="hall", adcode="150100", actor=SYSTEM, at=NOW
    )
    meters = [
        add_meter(facility=facility, kind=kind, code=kind, actor=SYSTEM, at=NOW) for kind in KINDS
    ]
    return facility, meters


def year_of(meters: list[Meter]) -> list[IncomingReading]:
    """A year of the four meters, hour by hour, as an agent would send it: 35,040 rows."""
    return [
        IncomingReading(
            meter_id=meter.pk,
            event_id=f"{meter.code}@{STARTS + hour * HOUR:%Y-%m-%dT%HZ}",
            starts_at=STARTS + hour * HOUR,
            ends_at=STARTS + (hour + 1) * HOUR,
            quantity=VALUES[meter.kind],
        )
        for hour in range(HOURS)
        for meter in meters
    ]


def by_path(facility: Facility, rows: list[IncomingReading]) -> float:
    begun = time.perf_counter()
    result = ingest_readings(facility=facility, source="bench", readings=rows, actor=SYSTEM, at=NOW)
    assert result.accepted == len(rows)
    return time.perf_counter() - begun


def by_copy(rows: list[IncomingReading], source: int) -> float:
    """Plain COPY into the same table: no check, no deduplication, no record of it."""
    names = "meter_id, source_id, event_id, starts_at, period, quantity, state, recorded_at"
    begun = time.perf_counter()
    statement = f"COPY providers_meterreading ({names}) FROM STDIN"
    with transaction.atomic(), connection.cursor() as cursor, cursor.copy(statement) as copy:
        copy.write(
            "".join(
                f"{r.meter_id}\t{source}\t{r.event_id}\t{r.starts_at.isoformat()}\t"
                f"[{r.starts_at.isoformat()},{r.ends_at.isoformat()})\t{r.quantity}\t"
                f"accepted\t{NOW.isoformat()}\n"
                for r in rows
            )
        )
    return time.perf_counter() - begun


def sizes() -> dict[str, float]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT sum(pg_total_relation_size(inhrelid)) FROM pg_inherits "
            "WHERE inhparent = 'providers_meterreading'::regclass"
        )
        readings = cursor.fetchone()[0]
        cursor.execute("SELECT pg_total_relation_size('providers_meterevent')")
        return {"readings_mb": float(readings) / 1e6, "events_mb": cursor.fetchone()[0] / 1e6}


def main() -> None:
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    call_command("migrate", verbosity=0)
    load_supply_facts(actor=SYSTEM, at=NOW)
    seed = time.time_ns() // 10**6
    source, _ = MeterSource.objects.get_or_create(name="plain copy")
    warm, meters = new_facility(seed)
    by_path(warm, year_of(meters))  # the year's parts of the table exist from here on
    path_s: list[float] = []
    copy_s: list[float] = []
    taken, rated = 0, []
    while taken < wanted:
        facility, meters = new_facility(seed + 2 * len(path_s) + 1)
        rows = year_of(meters)
        path_s.append(by_path(facility, rows))
        taken += len(rows)
        rated.append(facility)
        if len(copy_s) < 10:
            _other, meters = new_facility(seed + 2 * len(path_s))
            copy_s.append(by_copy(year_of(meters), source.pk))
    rows_s = HOURS * len(KINDS)
    first = path_s[: len(copy_s)]
    ratio = statistics.median(copy_s) / statistics.median(first)
    say("path_rows_per_s", rows_s / statistics.median(path_s), "rows/s", batches=len(path_s))
    say("copy_rows_per_s", rows_s / statistics.median(copy_s), "rows/s", batches=len(copy_s))
    say("path_to_plain_copy", ratio, "ratio", target=">= 0.5", note="rows/s over rows/s, same run")
    say("rows_taken", taken, "rows", seconds=round(sum(path_s), 1), **sizes())
    last = statistics.median(path_s[-5:])
    say("slowing", last / statistics.median(path_s[:5]), "ratio", note="last batches over first")
    read_year(rated[-1])
    rate_some(rated[:3])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    say("peak_memory", peak, "MB", batch_rows=rows_s)


def read_year(facility: Facility) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE providers_meterreading")
    spent = []
    for _ in range(9):
        begun = time.perf_counter()
        months = metered_months(facility, starts_at=STARTS, ends_at=STARTS + HOURS * HOUR)
        spent.append(time.perf_counter() - begun)
    assert sum(each.hours for each in months) == HOURS * len(KINDS)
    value = statistics.median(spent) * 1000
    say("facility_year_summary", value, "ms", target="<= 50", rows=HOURS * len(KINDS))


def rate_some(facilities: list[Facility]) -> None:
    spent = []
    for facility in facilities:
        begun = time.perf_counter()
        rating = compute_rating(facility=facility, first_day=date(2025, 1, 1), actor=SYSTEM, at=NOW)
        spent.append(time.perf_counter() - begun)
        assert rating.green_tier is not None
    say("facility_year_rated", statistics.median(spent), "s", facilities=len(facilities))


if __name__ == "__main__":
    main()
