"""Readings at national scale: `make bench BENCH=metering` (1,000,000), `ARGS=10000000` for ten.

The batched path (check, deduplicate for ever, refuse overlaps, roll up, keep a record) against a
plain COPY of like rows into the same table with the same constraints: ten pairs, one after the
other, spread over the whole run, so that both meet the table as it grows. Then a facility-year of
hourly rows is summarised, and every facility loaded is rated. One facility-year is in memory at a
time, whatever the number of rows.
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
from providers.actions.draft_rating import draft_rating  # noqa: E402
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
BATCH, PAIRS = HOURS * len(KINDS), 10
SUMMED = """
    SELECT r.meter_id, date_trunc('month', r.starts_at AT TIME ZONE 'Asia/Shanghai'),
           sum(r.quantity)
      FROM providers_meterreading r JOIN providers_meter m ON m.id = r.meter_id
     WHERE m.facility_id = %s AND r.state = 'accepted' AND r.starts_at >= %s AND r.starts_at < %s
     GROUP BY 1, 2
"""
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
            quantity=VALUES[meter.kind] + Decimal(hour * 7919 % 1000) / 1000,
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
            "SELECT count(*), sum(pg_total_relation_size(inhrelid)) FROM pg_inherits "
            "WHERE inhparent = 'providers_meterreading'::regclass"
        )
        parts, readings = cursor.fetchone()
        cursor.execute("SELECT pg_total_relation_size('providers_meterevent')")
        events = cursor.fetchone()[0]
    return {
        "parts_of_the_table": parts,
        "readings_mb": round(float(readings) / 1e6),
        "events_mb": round(events / 1e6),
    }


def main() -> None:
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    call_command("migrate", verbosity=0)
    load_supply_facts(actor=SYSTEM, at=NOW)
    warm, meters = new_facility(time.time_ns() // 10**6)
    by_path(warm, year_of(meters))  # the year's parts of the table exist from here on
    facilities = load(wanted)
    read_year(facilities[-1])
    rate_all(facilities)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    say("peak_memory", peak, "MB", batch_rows=BATCH, note="of the client, which holds one batch")


def load(wanted: int) -> list[Facility]:
    """Take in `wanted` rows or a few more, with ten plain COPYs between; the facilities loaded."""
    seed = time.time_ns() // 10**6
    source, _ = MeterSource.objects.get_or_create(name="plain copy")
    batches = -(-wanted // BATCH)
    every = max(1, batches // PAIRS)
    facilities: list[Facility] = []
    path_s: list[float] = []
    pairs: list[tuple[float, float]] = []
    for number in range(batches):
        facility, meters = new_facility(seed + 2 * number + 1)
        path_s.append(by_path(facility, year_of(meters)))
        facilities.append(facility)
        if number % every == every - 1 and len(pairs) < PAIRS:
            _other, meters = new_facility(seed + 2 * number + 2)
            pairs.append((path_s[-1], by_copy(year_of(meters), source.pk)))
            print(f"{(number + 1) * BATCH} rows in {sum(path_s):.0f} s", file=sys.stderr)
    ratios = [copied / taken for taken, copied in pairs]
    say("path_rows_per_s", BATCH / statistics.median(path_s), "rows/s", batches=len(path_s))
    copied = statistics.median(copied for _taken, copied in pairs)
    say("copy_rows_per_s", BATCH / copied, "rows/s", batches=len(pairs))
    say(
        "path_to_plain_copy",
        statistics.median(ratios),
        "ratio",
        target=">= 0.5",
        lowest=round(min(ratios), 2),
        highest=round(max(ratios), 2),
        note="rows/s over rows/s, neighbours in one run",
    )
    rows = batches * BATCH
    say("rows_taken", rows, "rows", seconds=round(sum(path_s), 1), **sizes())
    tenth = max(1, len(path_s) // 10)
    slowing = statistics.median(path_s[-tenth:]) / statistics.median(path_s[:tenth])
    say("slowing", slowing, "ratio", note="the last tenth of the batches over the first")
    return facilities


def read_year(facility: Facility) -> None:
    """A facility-year by month: as rolled up when it came in, and summed from its hourly rows."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE providers_meterreading")

    def rolled_up() -> Decimal:
        months = metered_months(facility, starts_at=STARTS, ends_at=STARTS + HOURS * HOUR)
        assert sum(each.hours for each in months) == BATCH
        return sum((each.quantity for each in months), Decimal(0))

    def summed() -> Decimal:
        with connection.cursor() as cursor:
            cursor.execute(SUMMED, [facility.pk, STARTS, STARTS + HOURS * HOUR])
            return sum((row[2] for row in cursor.fetchall()), Decimal(0))

    assert rolled_up() == summed()
    for figure, act, target in (
        ("facility_year_summary", rolled_up, "<= 50"),
        ("facility_year_summed_from_its_hours", summed, "none: the proof of the roll-up"),
    ):
        spent = []
        for _ in range(9):
            begun = time.perf_counter()
            act()
            spent.append(time.perf_counter() - begun)
        say(figure, statistics.median(spent) * 1000, "ms", target=target, rows=BATCH)


def rate_all(facilities: list[Facility]) -> None:
    """Rate every facility loaded, each from its own year of readings."""
    spent = []
    for facility in facilities:
        begun = time.perf_counter()
        rating = draft_rating(facility=facility, first_day=date(2025, 1, 1), actor=SYSTEM, at=NOW)
        spent.append(time.perf_counter() - begun)
        assert rating.green_tier is not None
    say(
        "facility_year_rated",
        statistics.median(spent),
        "s",
        facilities=len(facilities),
        readings=len(facilities) * BATCH,
        all_s=round(sum(spent), 1),
    )


if __name__ == "__main__":
    main()
