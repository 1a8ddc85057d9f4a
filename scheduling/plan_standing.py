"""Placements that stand, as a plan the matcher can reason about: what is still to run of each."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import numpy as np
from django.conf import settings

from scheduling.matching import Certificate, Job, JobColumns, Market, Plan, PlanColumns
from scheduling.models import Placement, Workload
from scheduling.pull_market import HORIZON_HOURS, HOUR, PulledMarket


def standing_plan(
    pulled: PulledMarket, placements: Sequence[Placement]
) -> tuple[Market, Plan, list[Placement]]:
    """(market, plan, the placements in it): hours from the horizon's start on, prices as of now.

    The pools' `occupied` is reduced by what these placements hold, since the plan holds it again. A
    placement with nothing left in the horizon is left out.
    """
    rows = {pool.pool_id: number for number, pool in enumerate(pulled.market.pools)}
    hours = np.zeros((len(placements), HORIZON_HOURS), np.bool_)
    kept: list[Placement] = []
    for placement in placements:
        if str(placement.pool_id) not in rows:
            continue
        line = hours[len(kept)]
        line[:] = False
        for first, last in placement.segments:
            begin, end = (datetime.fromisoformat(text) for text in (first, last))
            low, high = ((x - pulled.starts_at) // HOUR for x in (begin, end))
            line[max(0, low) : max(0, min(HORIZON_HOURS, high))] = True
        if line.any():
            kept.append(placement)
    hours = hours[: len(kept)]
    jobs = [_rest(each.workload, int(hours[k].sum()), pulled) for k, each in enumerate(kept)]
    taken = [
        np.zeros(HORIZON_HOURS, np.int64)
        if pool.occupied is None
        else np.array(pool.occupied, np.int64)
        for pool in pulled.market.pools
    ]
    pool_of = np.array([rows[str(each.pool_id)] for each in kept], np.int32)
    for number, placement in enumerate(kept):
        taken[pool_of[number]][hours[number]] -= placement.workload.units
    pools = [
        replace(pool, occupied=np.maximum(0, held))
        for pool, held in zip(pulled.market.pools, taken, strict=True)
    ]
    columns = JobColumns.from_jobs(jobs)
    market = replace(pulled.market, pools=pools, jobs=columns, voucher_pots_fen={})
    return market, _plan(market, columns, pool_of, hours), kept


def _rest(workload: Workload, left: int, pulled: PulledMarket) -> Job:
    terms = workload.voucher_terms or {}
    deadline = (workload.deadline_at - pulled.starts_at) // HOUR
    earliest = -((pulled.starts_at - workload.earliest_at) // HOUR)
    return Job(
        job_id=str(workload.pk),
        units=workload.units,
        duration_hours=left,
        earliest_hour=max(0, earliest),
        deadline_hour=max(left, min(HORIZON_HOURS, deadline)),
        max_price_fen_per_unit_hour=workload.max_price_fen_per_unit_hour,
        kinds=frozenset(workload.kinds),
        regions=frozenset(workload.regions),
        min_green_tier=workload.min_green_tier,
        voucher_rate=float(terms.get("rate", 0)),
        voucher_regions=frozenset(terms.get("regions", ())),
        voucher_cap_fen=terms.get("cap_fen"),
        interruptible=True,
    )


def _plan(market: Market, columns: JobColumns, pool_of: np.ndarray, hours: np.ndarray) -> Plan:
    count = len(columns)
    none = np.zeros(count)
    keys = [pool.pool_id for pool in market.pools]
    return Plan(
        PlanColumns(
            job_ids=columns.job_ids,
            pool_ids=keys,
            pool_of=pool_of,
            start=hours.argmax(axis=1).astype(np.int32) if count else np.zeros(0, np.int32),
            duration=columns.duration_hours.astype(np.int32),
            split_of=np.arange(count, dtype=np.int32),
            hours_of=hours,
            price_fen=none.astype(np.int64),
            voucher_fen=none.astype(np.int64),
            kwh=none,
            kgco2=none,
            reason=np.full(count, -1, np.int8),
            uses_voucher=none.astype(np.bool_),
            weight_fen=none,
        ),
        Certificate(
            objective_fen=0.0,
            bound_fen=0.0,
            gap=0.0,
            method="standing",
            price_bound_fen=0.0,
            pool_ids=tuple(keys),
            cell_of_pool=np.zeros(len(keys), np.int32),
            cell_prices=np.zeros((1, HORIZON_HOURS)),
        ),
        float(settings.MATCHING_CARBON_PRICE_FEN_PER_KG),
        HORIZON_HOURS,
        0,
        "standing",
    )
