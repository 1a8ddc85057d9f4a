"""All the places one job could take, best first: plain NumPy over the pools it may use."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .admit import by_hour, capacity_of, carbon_of, region_accepts
from .columns import RATE_SCALE
from .market import Job, Market, Pool
from .result import Plan


@dataclass(frozen=True, slots=True)
class Choice:
    """One pool and hours with what they would cost; weight = value - price - carbon cost, fen."""

    pool: int
    pool_id: str
    segments: tuple[tuple[int, int], ...]
    price_fen: int
    voucher_fen: int
    kwh: float
    kgco2: float | None
    cost_fen: float
    weight_fen: float


def hourly(
    market: Market, pool: Pool, hours: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(fen, kg) per unit-hour of one pool, [hours] each."""
    name = "price_fen_per_unit_hour"
    price = by_hour(pool.price_fen_per_unit_hour, hours, 0, 1e8, "pools", 0, name)
    if market.carbon is None:
        return price, np.zeros(hours)
    share = by_hour(pool.green_share, hours, 0, 1, "pools", 0, "green_share")
    grid = carbon_of(market.carbon, pool.region, hours, 0)
    return price, pool.kw_per_unit * pool.pue * grid * (1 - share)


def may_use(job: Job, pool: Pool) -> bool:
    """Kind, region, labels, rating, PUE and size; not the clock."""
    return (
        (not job.kinds or pool.kind in job.kinds)
        and (not job.regions or any(region_accepts(c, pool.region) for c in job.regions))
        and job.labels <= pool.labels
        and (not job.min_green_tier or (pool.green_tier or 0) >= job.min_green_tier)
        and (job.max_pue is None or pool.pue <= job.max_pue)
        and pool.units >= job.units
    )


def terms(job: Job, pool: Pool) -> tuple[float, int, int]:
    """(value per unit-hour, voucher rate in ten-thousandths, cap or -1) of a job in a pool."""
    value = float(job.max_price_fen_per_unit_hour)
    rate = int(job.voucher_rate * RATE_SCALE + 1e-6)
    holds = rate > 0 and (
        not job.voucher_regions or any(region_accepts(c, pool.region) for c in job.voucher_regions)
    )
    if not holds:
        return value, 0, -1
    lifted = value / (1 - rate / RATE_SCALE)
    if job.voucher_cap_fen is None:
        return lifted, rate, -1
    capped = value + job.voucher_cap_fen / (job.units * job.duration_hours)
    return min(lifted, capped), rate, job.voucher_cap_fen


def best_choices(
    market: Market,
    result: Plan,
    job: Job,
    free: NDArray[np.int64] | None,
    *,
    keep: int,
) -> list[Choice]:
    """The ``keep`` best pools, each with its best hours. ``free`` [P, T] None = as the calendars
    offer, nothing else placed."""
    hours, d, found = result.hours, job.duration_hours, []
    last = min(job.deadline_hour, hours) - d
    if last < job.earliest_hour:
        return []
    starts = np.arange(job.earliest_hour, last + 1)
    for k, pool in enumerate(market.pools):
        if not may_use(job, pool):
            continue
        room = capacity_of(pool, hours, k)[0] if free is None else free[k]
        fits = room >= job.units
        price, kg = hourly(market, pool, hours)
        cost = price + result.carbon_price_fen_per_kg * kg
        mask = np.zeros(hours, np.bool_)
        if job.interruptible:
            window = np.flatnonzero(fits[job.earliest_hour : last + d]) + job.earliest_hour
            if len(window) < d:
                continue
            mask[window[np.argsort(np.rint(cost[window] * 1e6), kind="stable")[:d]]] = True
        else:
            runs = np.concatenate([[0], np.cumsum(fits)])
            able = starts[runs[starts + d] - runs[starts] == d]
            if not len(able):
                continue
            total = np.concatenate([[0.0], np.cumsum(cost)])
            gaps = total[able + d] - total[able]
            begin = int(able[np.argmin(np.rint(gaps * 1e6))])
            mask[begin : begin + d] = True
        found.append(_choice(market, result, job, k, pool, mask, price, kg))
    found.sort(key=lambda c: (-c.weight_fen, c.pool_id))
    return found[:keep]


def _choice(
    market: Market,
    result: Plan,
    job: Job,
    k: int,
    pool: Pool,
    mask: NDArray[np.bool_],
    price: NDArray[np.float64],
    kg: NDArray[np.float64],
) -> Choice:
    edge = np.diff(np.concatenate([[0], mask.astype(np.int8), [0]]))
    pairs = zip(np.flatnonzero(edge == 1), np.flatnonzero(edge == -1), strict=True)
    gross = job.units * int(price[mask].sum())
    value, rate, cap = terms(job, pool)
    pays = gross * rate // RATE_SCALE
    pays = pays if cap < 0 else min(pays, cap)
    carbon = job.units * float(kg[mask].sum())
    cost = gross + result.carbon_price_fen_per_kg * carbon
    return Choice(
        k,
        pool.pool_id,
        tuple((int(a), int(b)) for a, b in pairs),
        gross,
        pays,
        job.units * pool.kw_per_unit * pool.pue * job.duration_hours,
        None if market.carbon is None else carbon,
        cost,
        job.units * value * job.duration_hours - cost,
    )


def free_after(
    market: Market, result: Plan, *, without: int = -1, units: int = 0
) -> NDArray[np.int64]:
    """[P, T] units free once the plan runs, with job ``without`` (of ``units``) lifted out."""
    free = np.array(
        [capacity_of(pool, result.hours, k)[1] for k, pool in enumerate(market.pools)], np.int64
    )
    columns = result.columns
    sizes = (
        np.array([job.units for job in market.jobs])
        if not hasattr(market.jobs, "units")
        else market.jobs.units
    )
    one = (columns.pool_of >= 0) & (columns.split_of < 0)
    change = np.zeros((free.shape[0], free.shape[1] + 1), np.int64)
    begin = columns.start[one]
    np.add.at(change, (columns.pool_of[one], begin), sizes[one])
    np.add.at(change, (columns.pool_of[one], begin + columns.duration[one]), -sizes[one])
    free -= np.cumsum(change, axis=1)[:, :-1]
    for j in np.flatnonzero((columns.pool_of >= 0) & (columns.split_of >= 0)):
        free[columns.pool_of[j]] -= sizes[j] * columns.hours_of[columns.split_of[j]]
    if without >= 0 and columns.pool_of[without] >= 0:
        for a, b in columns.segments(without):
            free[columns.pool_of[without], a:b] += units
    return free
