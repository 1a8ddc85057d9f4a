"""Inventory at national scale: 5,000 providers, 50,000 pools; a file of 100,000 rows.

`make bench BENCH=inventory`. Figures are medians of one machine; the ratio compares the written
file with a plain COPY of the same rows into the same table, in the same run.
"""

import csv
import io
import json
import os
import resource
import time
from typing import Any

import django

os.environ.setdefault("LOG_LEVEL", "WARNING")
django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connection, transaction  # noqa: E402
from django.db.models import Sum  # noqa: E402

from audit.decisions import SYSTEM  # noqa: E402
from identity.actions.register_organization import register_organization  # noqa: E402
from providers.actions.apply_import import apply_import  # noqa: E402
from providers.actions.check_import import check_import  # noqa: E402
from providers.actions.load_supply_facts import load_supply_facts  # noqa: E402
from providers.actions.register_facility import register_facility  # noqa: E402
from providers.actions.upload_import import upload_import  # noqa: E402
from providers.bulk import COLUMNS, write_csv, write_xlsx  # noqa: E402
from providers.export import pool_lines  # noqa: E402
from providers.models import Facility, Pool  # noqa: E402
from providers.queries import market_pools  # noqa: E402
from tests.factories import NOW, make_uscc  # noqa: E402

ROWS, PROVIDERS, POOLS = 100_000, 5_000, 50_000
CARDS = ("nvidia-a100-sxm4-80gb", "nvidia-a100-sxm4-80gb")


def say(figure: str, value: float, unit: str, **detail: Any) -> None:
    told = {"bench": "inventory", "figure": figure, "value": round(value, 4), "unit": unit}
    print(json.dumps({**told, "detail": detail}, ensure_ascii=False), flush=True)


def memory_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def rows_of(name: str, count: int, prefix: str = "pool") -> Any:
    for number in range(count):
        yield (
            name,
            f"{prefix}-{number:06d}",
            CARDS[0],
            8 + number % 64,
            "0.7",
            "",
            "card_hour",
            900 + number % 300,
            "",
            "",
            "",
            "within_20_ms",
            "CN",
            "0.995",
        )


def file_of(facility: Facility, kind: str, prefix: str) -> bytes:
    lines = rows_of(facility.name, ROWS, prefix)
    if kind == "xlsx":
        return write_xlsx(list(COLUMNS), lines)
    return "".join(write_csv(list(COLUMNS), lines)).encode()


def bring_in(facility: Facility, kind: str) -> float:
    data = file_of(facility, kind, kind)
    begun = time.perf_counter()
    file = upload_import(
        provider=facility.provider,
        filename=f"pools.{kind}",
        content=data,
        actor=SYSTEM,
        at=NOW,
    )
    file = check_import(file=file, actor=SYSTEM, at=NOW)
    checked = time.perf_counter()
    assert file.state == "checked", file.problem
    file = apply_import(file=file, actor=SYSTEM, at=NOW)
    done = time.perf_counter()
    assert file.state == "applied"
    say(
        f"{kind}_rows_{ROWS}",
        done - begun,
        "s",
        target="<= 60",
        dry_run_s=round(checked - begun, 2),
        write_s=round(done - checked, 2),
        file_mb=round(len(data) / 1e6, 1),
        peak_memory_mb=round(memory_mb()),
        note="pools, draft offers and prices, all in one transaction; progress each 5,000 rows",
    )
    return done - checked


def plain_copy(facility: Facility) -> float:
    card = Pool.objects.first()
    assert card is not None
    held = io.StringIO()
    out = csv.writer(held, delimiter="\t", lineterminator="\n")
    for number in range(ROWS):
        code = f"{facility.pk}-copied-{number:06d}"
        row = [facility.pk, code, f"slice-{code}", card.accelerator_id, 8, "0.7", "active", "f"]
        out.writerow(row)
    begun = time.perf_counter()
    with transaction.atomic(), connection.cursor() as cursor:
        names = "facility_id, code, slice_id, accelerator_id, units, kw_per_unit, state, sample"
        with cursor.copy(f"COPY providers_pool ({names}) FROM STDIN") as copy:
            copy.write(held.getvalue())
    return time.perf_counter() - begun


def nation() -> None:
    """5,000 providers with a facility and 50,000 pools, offers and prices, written by SQL."""
    begun = time.perf_counter()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO identity_organization (kind, name, uscc, adcode, facts, sample)
            SELECT 'provider', 'nation ' || n, '91131000MB' || lpad(n::text, 8, '0'),
                   '150100', '{}', true FROM generate_series(1, %s) n
            """,
            [PROVIDERS],
        )
        cursor.execute(
            """
            INSERT INTO providers_facility (provider_id, adcode, name, official_statuses, sample,
                                            basis, registered_at)
            SELECT id, '150100', 'hall', '[]', true, '', now()
              FROM identity_organization WHERE name LIKE 'nation %%'
            """
        )
        cursor.execute(
            """
            INSERT INTO providers_pool (facility_id, code, slice_id, accelerator_id, units,
                                        kw_per_unit, state, sample)
            SELECT f.id, 'p' || n, f.id || '/p' || n,
                   (SELECT min(id) FROM providers_acceleratormodel), 64, 0.7, 'active', true
              FROM providers_facility f, generate_series(1, %s) n WHERE f.name = 'hall'
            """,
            [POOLS // PROVIDERS],
        )
        cursor.execute(
            """
            INSERT INTO providers_offer (pool_id, unit, state, sample, drafted_at)
            SELECT p.id, 'card_hour', 'draft', true, now()
              FROM providers_pool p JOIN providers_facility f ON f.id = p.facility_id
             WHERE f.name = 'hall'
            """
        )
        cursor.execute(
            """
            INSERT INTO providers_priceversion (offer_id, price_fen_per_unit_hour, currency, valid,
                                                recorded_at)
            SELECT o.id, 900, 'CNY', tstzrange(%s, NULL), now() FROM providers_offer o
              JOIN providers_pool p ON p.id = o.pool_id
              JOIN providers_facility f ON f.id = p.facility_id WHERE f.name = 'hall'
            """,
            [NOW],
        )
        cursor.execute(
            "UPDATE providers_offer o SET state = 'listed' FROM providers_pool p, "
            "providers_facility f WHERE p.id = o.pool_id AND f.id = p.facility_id "
            "AND f.name = 'hall'"
        )
    say("nation_written", time.perf_counter() - begun, "s", providers=PROVIDERS, pools=POOLS)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def timed(figure: str, act: Any, **detail: Any) -> None:
    begun = time.perf_counter()
    count = act()
    say(figure, time.perf_counter() - begun, "s", count=count, **detail)


def main() -> None:
    call_command("migrate", verbosity=0)
    load_supply_facts(actor=SYSTEM, at=NOW)
    facility = register_facility(
        provider=register_organization(
            kind="provider",
            name="bench",
            uscc=make_uscc(time.time_ns() // 10**6 % 10**7, adcode="110000"),
            adcode="110000",
            actor=SYSTEM,
            at=NOW,
        ),
        name=f"bench {time.time_ns()}",
        adcode="150100",
        actor=SYSTEM,
        at=NOW,
    )
    write_s = bring_in(facility, "csv")
    bring_in(facility, "xlsx")
    copied = plain_copy(facility)
    say("write_to_plain_copy", write_s / copied, "ratio", copy_s=round(copied, 2), rows=ROWS)
    if Facility.objects.filter(name="hall").count() < PROVIDERS:
        nation()
    mine = Pool.objects.filter(facility__name="hall")
    timed("export_csv_50000", lambda: sum(1 for _ in pool_lines(mine, NOW)), target="streams")
    timed("market_168_hours", lambda: len(market_pools(at=NOW, starts_at=NOW, hours=168)))
    timed("units_by_card", lambda: Pool.objects.aggregate(sum=Sum("units"))["sum"])
    say("peak_memory", memory_mb(), "MB")


if __name__ == "__main__":
    main()
