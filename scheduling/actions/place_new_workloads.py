"""New workloads between two plans: placed one by one at the last plan's prices, in milliseconds."""

from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from typing import Any

import numpy as np
from django.db import transaction
from numpy.typing import NDArray

from audit.decisions import Actor
from scheduling.actions.lease_market import end_lease, lease_market
from scheduling.actions.run_matching import finish_plan, open_run, park
from scheduling.archive_plan import pack_market
from scheduling.check_plan import units_used
from scheduling.live_market import LiveMarket, keep_live, live_market, newest_prices
from scheduling.matching import (
    Certificate,
    Incremental,
    JobColumns,
    MarketError,
    Plan,
    PlanColumns,
    place_incremental,
)
from scheduling.matching.result import REASON_CODES
from scheduling.models import MatchRun, Workload
from scheduling.pull_jobs import pull_jobs
from scheduling.report_progress import Progress

AT_MOST = 5000


def place_new_workloads(
    *, actor: Actor, at: datetime, market: str = "all", keep: bool = True
) -> MatchRun | None:
    """Propose places for what waits; None when nothing waits or no plan has left prices yet.

    What finds no place keeps waiting for the next whole plan, which has the last word on it. Fenced
    and committed as a whole plan is. Raises MarketIsBeingPlanned, LeaseLost.
    """
    prices_of = newest_prices(market, at)
    if prices_of is None or not Workload.objects.filter(state="submitted").exists():
        return None
    token = lease_market(market=market, at=at)
    try:
        run = open_run(
            market=market,
            token=token,
            seed=prices_of.seed,
            at=at,
            kind=MatchRun.Kind.INCREMENTAL,
            scope={"prices_of": prices_of.pk},
        )
        progress = Progress(run, begun_at=at)
        progress.tell("pull")
        live = live_market(run, prices_of, at=at, keep=keep)
        with transaction.atomic():
            ids, jobs, pots = pull_jobs(run.horizon_starts_at, AT_MOST)
        if not len(jobs):
            park(run=run, why="nothing waits that can still end in time", actor=actor, at=at)
            return run
        for pot, fen in pots.items():
            live.state.pots_left.setdefault(pot, fen)
        progress.facts.update(jobs=len(jobs), pools=len(live.pulled.pools))
        pulled = replace(
            live.pulled,
            workload_ids=ids,
            market=replace(live.pulled.market, jobs=jobs, voucher_pots_fen=pots),
        )
        packed = pack_market(pulled.market, {}, supply=live.supply)
        run.input_digest = sha256(packed).hexdigest()
        progress.tell("place")
        try:
            found = place_incremental(live.state, jobs)
        except MarketError as error:
            why = f"{error.code}: {error.text_en}"
            park(run=run, why=why, actor=actor, at=progress.now())
            return run
        planned = plan_of(found, jobs, live, run)
        use = units_used(pulled.market, planned, run.hours)
        finish_plan(run, pulled, planned, packed, progress, actor, keep_waiting=True)
        if run.state == MatchRun.State.DONE and run.progress.get("placed") == len(found.placements):
            live.taken += use
            keep_live(market, live)
        return run
    finally:
        end_lease(market=market, token=token)


def plan_of(found: Incremental, jobs: JobColumns, live: LiveMarket, run: MatchRun) -> Plan:
    """What the incremental path found, as a plan: checked, committed and told like any other.

    Its certificate carries the prices it was chosen at; it has no bound of its own.
    """
    count, hours = len(jobs), run.hours
    row_of = {str(key): row for row, key in enumerate(jobs.job_ids)}
    pool_row = {pool.pool_id: row for row, pool in enumerate(live.pulled.market.pools)}
    split_of = np.full(count, -1, np.int32)
    split_of[jobs.interruptible] = np.arange(int(jobs.interruptible.sum()))
    columns: dict[str, NDArray[Any]] = {
        "pool_of": np.full(count, -1, np.int32),
        "start": np.zeros(count, np.int32),
        "price_fen": np.zeros(count, np.int64),
        "voucher_fen": np.zeros(count, np.int64),
        "kwh": np.zeros(count),
        "kgco2": np.zeros(count),
        "reason": np.full(count, -1, np.int8),
        "weight_fen": np.zeros(count),
    }
    hours_of = np.zeros((int(jobs.interruptible.sum()), hours), np.bool_)
    for placed in found.placements:
        row = row_of[placed.job_id]
        columns["pool_of"][row] = pool_row[placed.pool_id]
        columns["start"][row] = placed.segments[0][0]
        columns["price_fen"][row], columns["voucher_fen"][row] = (
            placed.price_fen,
            placed.voucher_fen,
        )
        columns["kwh"][row] = placed.kwh
        columns["kgco2"][row] = np.nan if placed.kgco2 is None else placed.kgco2
        if split_of[row] >= 0:
            for first, last in placed.segments:
                hours_of[split_of[row], first:last] = True
        value = int(jobs.max_price_fen_per_unit_hour[row]) * int(jobs.units[row])
        columns["weight_fen"][row] = (
            value * int(jobs.duration_hours[row])
            + placed.voucher_fen
            - placed.price_fen
            - run.carbon_price_fen_per_kg * (placed.kgco2 or 0.0)
        )
    for left in found.unplaced:
        columns["reason"][row_of[left.job_id]] = REASON_CODES.index(left.reason)
    objective = float(columns["weight_fen"].sum())
    proof: Certificate = replace(
        live.prices,
        objective_fen=objective,
        bound_fen=objective,
        gap=0.0,
        method="incremental",
        counts={"jobs": count, "placed": len(found.placements), "unplaced": len(found.unplaced)},
    )
    return Plan(
        PlanColumns(
            job_ids=jobs.job_ids,
            pool_ids=[pool.pool_id for pool in live.pulled.market.pools],
            duration=jobs.duration_hours.astype(np.int32),
            split_of=split_of,
            hours_of=hours_of,
            uses_voucher=columns["voucher_fen"] > 0,
            **columns,
        ),
        proof,
        float(run.carbon_price_fen_per_kg),
        hours,
        run.seed,
        "incremental",
    )
