"""encode: a market becomes arrays the kernels can read. All refusals happen here.

Sites fold everything about *where* into one index: region, labels and PUE class. A job's
site set is then one boolean row, and a voucher's another.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .admit import (
    MAX_PRICE_FEN,
    admit_horizon,
    admit_jobs,
    admit_unique,
    by_hour,
    capacity_of,
    carbon_of,
    number,
    region_accepts,
    whole,
)
from .columns import RATE_SCALE, JobColumns
from .market import Market


@dataclass
class Instance:
    """P pools, N jobs, T hours. Money fen, energy kWh, carbon kg."""

    hours: int
    carbon_price: float
    carbon_known: bool
    # pools
    pool_ids: list[str]
    kind: NDArray[np.int32]  # [P]
    site: NDArray[np.int32]  # [P]
    tier: NDArray[np.int32]  # [P] 0 = unrated
    opened: NDArray[np.int32]  # [P, T] units the calendar offers
    free: NDArray[np.int32]  # [P, T] of those, units not yet occupied
    price: NDArray[np.int64]  # [P, T] fen per unit-hour
    kwh: NDArray[np.float64]  # [P] per unit-hour
    kg: NDArray[np.float64]  # [P, T] per unit-hour
    cost: NDArray[np.float64]  # [P, T] price + carbon_price x kg
    # jobs
    columns: JobColumns
    units: NDArray[np.int32]  # [N]
    duration: NDArray[np.int32]  # [N]
    earliest: NDArray[np.int32]  # [N] first start
    latest: NDArray[np.int32]  # [N] last start; < earliest: cannot end within the horizon
    tier_min: NDArray[np.int32]  # [N]
    kind_set: NDArray[np.int32]  # [N] row of kind_sets
    site_set: NDArray[np.int32]  # [N] row of site_sets: where it may run
    voucher_set: NDArray[np.int32]  # [N] row of site_sets: where voucher and job meet, -1 none
    value: NDArray[np.float64]  # [N] fen per unit-hour without voucher
    value_voucher: NDArray[np.float64]  # [N] with voucher, = value when there is none
    rate: NDArray[np.int64]  # [N] ten-thousandths
    cap: NDArray[np.int64]  # [N] fen, -1 none
    pot: NDArray[np.int32]  # [N] index into pots, -1 none
    group: NDArray[np.int32]
    interruptible: NDArray[np.bool_]
    kind_sets: NDArray[np.bool_]  # [sets, kinds]
    site_sets: NDArray[np.bool_]  # [sets, sites]
    pot_names: list[str]
    pot_fen: NDArray[np.int64]
    floors: NDArray[np.float64]  # [groups] least share, 0 = none

    @property
    def n(self) -> int:
        return len(self.units)


def encode(market: Market, *, carbon_price_fen_per_kg: float, hours: int) -> Instance:
    """Raises MarketError; leaves the market untouched."""
    admit_horizon(hours, carbon_price_fen_per_kg, len(market.pools))
    columns = (
        market.jobs if isinstance(market.jobs, JobColumns) else JobColumns.from_jobs(market.jobs)
    )
    admit_jobs(columns)
    admit_unique([str(key) for key in columns.job_ids], "jobs", "job_id")
    admit_unique([pool.pool_id for pool in market.pools], "pools", "pool_id")
    if market.carbon is None and carbon_price_fen_per_kg > 0:
        from .admit import refuse

        refuse(
            "no_carbon_data",
            "a carbon price needs a carbon series",
            "设定碳价时必须提供碳强度数据",
            "market",
        )
    size, hours_ = len(market.pools), hours
    free = np.zeros((size, hours_), np.int32)
    opened = np.zeros((size, hours_), np.int32)
    price = np.zeros((size, hours_), np.int64)
    kg = np.zeros((size, hours_))
    kwh = np.zeros(size)
    tier = np.zeros(size, np.int32)
    kinds: dict[str, int] = {}
    sites: dict[tuple[str, frozenset[str], int], int] = {}
    pue_steps = sorted({float(x) for x in np.unique(columns.max_pue) if np.isfinite(x)})
    kind = np.zeros(size, np.int32)
    site = np.zeros(size, np.int32)
    grid_cache: dict[str, NDArray[np.float64]] = {}
    for row, pool in enumerate(market.pools):
        kind[row] = kinds.setdefault(pool.kind, len(kinds))
        pue = number(pool.pue, 1, 10, "pools", row, "pue")
        key = (pool.region, pool.labels, bisect_left(pue_steps, pue))
        site[row] = sites.setdefault(key, len(sites))
        kwh[row] = number(pool.kw_per_unit, 0, 1e5, "pools", row, "kw_per_unit") * pue
        if pool.green_tier is not None:
            tier[row] = whole(pool.green_tier, 1, 100, "pools", row, "green_tier")
        name = "price_fen_per_unit_hour"
        series = by_hour(pool.price_fen_per_unit_hour, hours, 0, MAX_PRICE_FEN, "pools", row, name)
        if (series != np.rint(series)).any():
            whole(float(series[series != np.rint(series)][0]), 0, 0, "pools", row, name)
        price[row] = series.astype(np.int64)
        opened[row], free[row] = capacity_of(pool, hours, row)
        share = by_hour(pool.green_share, hours, 0, 1, "pools", row, "green_share")
        if market.carbon is not None:
            if pool.region not in grid_cache:
                grid_cache[pool.region] = carbon_of(market.carbon, pool.region, hours, row)
            kg[row] = kwh[row] * grid_cache[pool.region] * (1 - share)
    kind_sets = np.ones((len(columns.kind_sets), len(kinds)), np.bool_)
    for index, wanted in enumerate(columns.kind_sets):
        if wanted:
            kind_sets[index] = [name in wanted for name in kinds]
    site_set, voucher_set, site_sets = _site_sets(columns, list(sites), pue_steps)
    value = columns.max_price_fen_per_unit_hour.astype(np.float64)
    has_voucher = (columns.voucher_rate_e4 > 0) & (voucher_set >= 0)
    lifted = value / (1 - columns.voucher_rate_e4 / RATE_SCALE)
    volume = columns.units.astype(np.float64) * columns.duration_hours
    capped = np.where(
        columns.voucher_cap_fen >= 0, value + columns.voucher_cap_fen / volume, np.inf
    )
    pot_names = [str(x) for x in columns.pot_names]
    unknown = [name for name in pot_names if name not in market.voucher_pots_fen]
    pot_fen = np.array(
        [int(market.voucher_pots_fen.get(name, 0)) for name in pot_names] or [0], np.int64
    )
    pot = columns.voucher_pot.astype(np.int32).copy()
    for name in unknown:  # a pot without a budget is unlimited: the room caps it elsewhere
        pot[pot == pot_names.index(name)] = -1
    return Instance(
        hours=hours,
        carbon_price=float(carbon_price_fen_per_kg),
        carbon_known=market.carbon is not None,
        pool_ids=[pool.pool_id for pool in market.pools],
        kind=kind,
        site=site,
        tier=tier,
        opened=opened,
        free=free,
        price=price,
        kwh=kwh,
        kg=kg,
        cost=price + carbon_price_fen_per_kg * kg,
        columns=columns,
        units=columns.units.astype(np.int32),
        duration=np.minimum(columns.duration_hours, 10**6).astype(np.int32),
        earliest=np.minimum(columns.earliest_hour, 10**6).astype(np.int32),
        latest=(np.minimum(columns.deadline_hour, hours) - columns.duration_hours).astype(np.int32),
        tier_min=columns.min_green_tier.astype(np.int32),
        kind_set=columns.kinds.astype(np.int32),
        site_set=site_set,
        voucher_set=np.where(has_voucher, voucher_set, -1).astype(np.int32),
        value=value,
        value_voucher=np.where(has_voucher, np.minimum(lifted, capped), value),
        rate=columns.voucher_rate_e4.astype(np.int64),
        cap=columns.voucher_cap_fen.astype(np.int64),
        pot=np.where(has_voucher, pot, -1).astype(np.int32),
        group=columns.group.astype(np.int32),
        interruptible=columns.interruptible.astype(np.bool_),
        kind_sets=kind_sets,
        site_sets=site_sets,
        pot_names=pot_names,
        pot_fen=pot_fen,
        floors=np.array(
            [float(market.fairness_floors.get(str(x), 0.0)) for x in columns.group_names]
        ),
    )


def _site_sets(
    columns: JobColumns, sites: list[tuple[str, frozenset[str], int]], pue_steps: list[float]
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.bool_]]:
    """Distinct boolean rows over sites for every (regions, labels, PUE) and voucher asked for."""
    pue_class = np.full(len(columns), len(pue_steps), np.int64)
    finite = np.isfinite(columns.max_pue)
    pue_class[finite] = np.searchsorted(pue_steps, columns.max_pue[finite])
    by_region = np.ones((len(columns.region_sets), len(sites)), np.bool_)
    for index, wanted in enumerate(columns.region_sets):
        if wanted:
            by_region[index] = [any(region_accepts(c, s[0]) for c in wanted) for s in sites]
    by_label = np.array([[wanted <= s[1] for s in sites] for wanted in columns.label_sets])
    # A pool's class is the first threshold >= its PUE, so "PUE <= threshold k" is "class <= k".
    by_pue = np.array([[s[2] <= k for s in sites] for k in range(len(pue_steps) + 1)])
    widths = (len(by_region), len(by_label), len(by_pue), len(by_region))
    keys = np.ravel_multi_index(
        (columns.regions, columns.labels, pue_class, columns.voucher_regions), widths
    )
    codes, inverse = np.unique(keys, return_inverse=True)
    distinct = np.stack(np.unravel_index(codes, widths), axis=1)
    rows: dict[bytes, int] = {}
    kept: list[NDArray[np.bool_]] = []

    def intern(mask: NDArray[np.bool_]) -> int:
        key = mask.tobytes()
        if key not in rows:
            rows[key] = len(kept)
            kept.append(mask)
        return rows[key]

    run = np.zeros(len(distinct), np.int32)
    pay = np.zeros(len(distinct), np.int32)
    for index, (region, label, pue, voucher) in enumerate(distinct):
        mask = by_region[region] & by_label[label] & by_pue[pue]
        run[index] = intern(mask)
        both = mask & by_region[voucher]
        pay[index] = intern(both) if both.any() else -1
    inverse = inverse.reshape(-1)
    sets = np.array(kept) if kept else np.ones((1, len(sites)), np.bool_)
    return run[inverse], pay[inverse], sets
