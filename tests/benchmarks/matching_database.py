"""python -m tests.benchmarks.matching_database [--jobs N] [--pools N] [--load X] [--effort E]

Database → plan → database, through the same action the worker runs, and new jobs on live state with
their commit. Everything is made in the database named by DATABASE_URL, in tables emptied first:
never point it at one you need. One JSON line a figure, with every phase beside it.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import django
import numpy as np

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "marketplace.settings")
django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402

from audit.decisions import SYSTEM  # noqa: E402
from audit.outbox import doorbell  # noqa: E402
from scheduling.matching import JobColumns  # noqa: E402

from .matching_instances import make_market  # noqa: E402

NOW = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
STARTS = NOW + timedelta(hours=1)


SET_ASIDE = "UPDATE scheduling_workload SET state = 'unplaced' WHERE state = 'submitted'"


def emit(figure: str, value: float | None, unit: str, **detail: Any) -> None:
    detail["machine_load"] = round(os.getloadavg()[0], 2)
    row = {"bench": "matching", "figure": figure, "value": value, "unit": unit, "detail": detail}
    print(json.dumps(row, ensure_ascii=False), flush=True)


def make_database(jobs: int, pools: int, load: float, seed: int) -> None:
    """The design note's market as rows; every table of it is emptied before."""
    from stdnum.cn import uscc

    from identity.actions.register_organization import register_organization
    from providers.actions.load_supply_facts import load_supply_facts
    from providers.models import AcceleratorModel

    call_command("migrate", verbosity=0)
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        names = [
            name
            for name in connection.introspection.table_names()
            if name.startswith(("scheduling_", "providers_", "marketplace_", "audit_", "identity_"))
        ]
        cursor.execute(f"TRUNCATE {', '.join(names)} CASCADE")
        cursor.execute("SET session_replication_role = origin")
    load_supply_facts(actor=SYSTEM, at=NOW)
    market = make_market(jobs, pools, load, seed)
    kinds = sorted({pool.kind for pool in market.pools})
    models = {}
    for kind in kinds:
        models[kind] = AcceleratorModel.objects.get_or_create(code=kind, defaults={"model": kind})[
            0
        ]
    owner, buyer = (
        register_organization(
            kind=kind, name=f"bench {kind}", uscc=body + uscc.calc_check_digit(body),
            adcode="131000", actor=SYSTEM, at=NOW,
        )
        for kind, body in (("provider", "91131000MA0000001"), ("enterprise", "91131000MA0000002"))
    )  # fmt: skip
    _supply(market, models, owner)
    columns = market.jobs
    assert isinstance(columns, JobColumns)
    _demand(columns, buyer.pk)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def _supply(market: Any, models: Any, owner: Any) -> None:
    from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

    from providers.models import Facility, GreenRating, Offer, Pool, PoolWindow, PriceVersion
    from scheduling.models import Listing, Platform

    platform = Platform.objects.create(
        sequence=1, name="bench platform", region_printed="–", adcode="110000", status="online",
        status_text="–", status_date=NOW.date(), can_dispatch=True, evidence="benchmark",
        connector="sandbox",
    )  # fmt: skip
    facilities = Facility.objects.bulk_create(
        [
            Facility(provider=owner, adcode=pool.region, name=pool.pool_id, registered_at=NOW)
            for pool in market.pools
        ]
    )
    pools = Pool.objects.bulk_create(
        [
            Pool(
                facility=facility, code=pool.pool_id, slice_id=pool.pool_id, units=pool.units,
                accelerator=models[pool.kind],
                kw_per_unit=Decimal(str(round(pool.kw_per_unit, 4))),
            )
            for facility, pool in zip(facilities, market.pools, strict=True)
        ]
    )  # fmt: skip
    Listing.objects.bulk_create([Listing(platform=platform, pool=p, owner=True) for p in pools])
    windows = []
    for pool, row in zip(pools, market.pools, strict=True):
        for first, last in row.available or ():
            span = DateTimeTZRange(
                STARTS + timedelta(hours=int(first)), STARTS + timedelta(hours=int(last))
            )
            windows.append(PoolWindow(pool=pool, available=span))
    PoolWindow.objects.bulk_create(windows)
    with connection.cursor() as cursor:  # states are reached by moving; here they are given
        cursor.execute("SET session_replication_role = replica")
        offers = Offer.objects.bulk_create(
            [Offer(pool=pool, state="listed", drafted_at=NOW) for pool in pools]
        )
        PriceVersion.objects.bulk_create(
            [
                PriceVersion(
                    offer=offer, recorded_at=NOW,
                    valid=DateTimeTZRange(NOW - timedelta(days=1), None),
                    price_fen_per_unit_hour=int(row.price_fen_per_unit_hour),
                )
                for offer, row in zip(offers, market.pools, strict=True)
            ]
        )  # fmt: skip
        del GreenRating  # ratings rest on evidence; a benchmark leaves its pools unrated
        cursor.execute("SET session_replication_role = origin")


def _demand(
    columns: JobColumns, buyer: int, *, first: int = 0, count: int | None = None, name: str = "b"
) -> None:
    """Workloads by COPY; green minima are dropped (no pool here is rated), vouchers kept."""
    last = len(columns) if count is None else first + count
    kinds = [json.dumps(sorted(each)) for each in columns.kind_sets]
    regions = [json.dumps(sorted(each)) for each in columns.region_sets]
    stamp = [(STARTS + timedelta(hours=h)).isoformat() for h in range(0, 24 * 40)]
    terms = {
        (rate, where): json.dumps(
            {
                "voucher_id": 0,
                "rate": str(Decimal(rate) / 10_000),
                "regions": sorted(columns.region_sets[where]),
                "cap_fen": None,
                "available_fen": 10**15,
            }
        )
        for rate in np.unique(columns.voucher_rate_e4).tolist()
        for where in np.unique(columns.voucher_regions).tolist()
        if rate
    }
    rows = list(zip(
        columns.units.tolist(), columns.duration_hours.tolist(), columns.earliest_hour.tolist(),
        columns.deadline_hour.tolist(), columns.max_price_fen_per_unit_hour.tolist(),
        columns.kinds.tolist(), columns.regions.tolist(), columns.voucher_rate_e4.tolist(),
        columns.voucher_regions.tolist(), strict=True,
    ))[first:last]  # fmt: skip
    with (
        connection.cursor() as cursor,
        cursor.copy(
            "COPY scheduling_workload (enterprise_id, reference, state, kinds, units,"
            " duration_hours, earliest_at, deadline_at, regions, max_price_fen_per_unit_hour,"
            " interruptible, voucher_terms, sample, origin, submitted_at) FROM STDIN"
        ) as copy,
    ):
        for number, row in enumerate(rows):
            units, hours, earliest, deadline, price, kind, region, rate, where = row
            copy.write_row(
                (
                    buyer, f"{name}{number}", "submitted", kinds[kind], units, hours,
                    stamp[earliest], stamp[deadline], regions[region], price, False,
                    terms[rate, where] if rate else None, True, "benchmark", NOW,
                )
            )  # fmt: skip


def warm_up() -> None:
    from scheduling.matching.encode import encode
    from scheduling.matching.solve import solve

    inst = encode(make_market(25_000, 200, 0.3, 9), carbon_price_fen_per_kg=10, hours=168)
    solve(inst, effort="quick")


def whole_market(jobs: int, pools: int, load: float, effort: str) -> None:
    """One run of the worker's own action; figures by phase are its own progress record."""
    from scheduling.actions.run_matching import run_matching

    began = time.perf_counter()
    make_database(jobs, pools, load, 1)
    filled = time.perf_counter() - began
    wall, cpu = time.perf_counter(), time.process_time()
    run = run_matching(actor=SYSTEM, at=NOW, effort=effort)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    assert run is not None
    assert run.state == "done", run.error
    with connection.cursor() as cursor:
        cursor.execute("SELECT COUNT(*), COALESCE(SUM(taken + proposed), 0),"
                       " COUNT(*) FILTER (WHERE taken + proposed > units)"
                       " FROM scheduling_poolhour")  # fmt: skip
        hours, promised, oversold = cursor.fetchone()
    emit(
        f"database → plan → database, 10^{len(str(jobs)) - 1} jobs", round(wall, 1), "s",
        jobs=jobs, pools=pools, load=load, effort=effort, cpu_s=round(cpu, 1),
        phases_begin_s=run.progress["seconds"],
        gap_pct=round(100 * run.certificate["gap"], 3),
        served_share=round(run.progress["placed"] / jobs, 4),
        pool_hours=hours, unit_hours_promised=int(promised), oversold=oversold,
        peak_gb=round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6, 2),
        filling_the_database_s=round(filled, 1),
    )  # fmt: skip


def new_jobs(rounds: int = 6) -> None:
    """1,000 new workloads a round on the live state the market was left in, with their commit."""
    from identity.models import Organization
    from scheduling.actions.place_new_workloads import place_new_workloads

    columns = make_market(21_000, 5000, 0.3, 3).jobs
    assert isinstance(columns, JobColumns)
    buyer = Organization.objects.get(kind="enterprise").pk
    with connection.cursor() as cursor:  # what the plan left out is not asked again here
        cursor.execute(SET_ASIDE)
    times, placed, phases = [], [], {}
    for number in range(rounds):
        _demand(columns, buyer, first=number * 1000, count=1000, name=f"n{number}-")
        began = time.perf_counter()
        run = place_new_workloads(actor=SYSTEM, at=NOW)
        times.append((time.perf_counter() - began) * 1e3)
        assert run is not None
        assert run.state == "done", run.error
        placed.append(run.progress["placed"])
        phases = run.progress["seconds"]
        with connection.cursor() as cursor:
            cursor.execute(SET_ASIDE)
    emit(
        "1,000 new jobs on live state, with database commit",
        round(float(np.median(times[1:])), 1), "ms",
        runs_ms=[round(t, 1) for t in times[1:]], opening_the_live_state_ms=round(times[0], 1),
        placed=placed, phases_begin_s=phases,
    )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=100_000)
    parser.add_argument("--pools", type=int, default=5000)
    parser.add_argument("--load", type=float, default=0.3)
    parser.add_argument("--effort", default="std")
    options = parser.parse_args()
    doorbell.listen(lambda: None)  # no broker here
    warm_up()
    whole_market(options.jobs, options.pools, options.load, options.effort)
    new_jobs()


if __name__ == "__main__":
    main()
