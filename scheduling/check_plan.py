"""Is a plan sound? Checked on the arrays that came from the database, apart from the engine.

For any size, in whole numbers: windows, kind, region, rating, size, calendar, capacity, price,
price limit, voucher's part and pots. Energy, carbon and the bound are the engine's verifier's.
"""

from collections.abc import Callable, Collection, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scheduling.matching import JobColumns, Market, Plan
from scheduling.matching.admit import region_accepts

Usage = NDArray[np.int64]


def check_plan(market: Market, planned: Plan, *, hours: int) -> list[str]:
    """Each broken rule with how many break it and the first of them; [] = sound."""
    jobs, columns = market.jobs, planned.columns
    assert isinstance(jobs, JobColumns)
    found: list[str] = []
    if len(columns.pool_of) != len(jobs):
        return [f"coverage: {len(columns.pool_of)} answers for {len(jobs)} jobs"]
    on = np.flatnonzero(columns.pool_of >= 0)
    pool, start = columns.pool_of[on].astype(np.int64), columns.start[on].astype(np.int64)
    if len(on) and int(pool.max()) >= len(market.pools):
        return [f"pool: there is no pool {int(pool.max())}"]
    mask = columns.split_of[on] >= 0
    duration = jobs.duration_hours[on]

    def tell(rule: str, broken: Any, where: NDArray[np.int64] = on) -> None:
        if broken.any():
            first = jobs.job_ids[int(where[int(np.argmax(broken))])]
            found.append(f"{rule}: {int(broken.sum())} jobs, first {first}")

    whole = ~mask
    tell("start", whole & ((start < jobs.earliest_hour[on]) | (start < 0)))
    ends = start + duration
    tell("deadline", whole & (ends > np.minimum(jobs.deadline_hour[on], hours)))
    split = columns.hours_of[columns.split_of[on[mask]]]
    late = np.arange(hours)[None, :]
    tell("duration", split.sum(axis=1) != duration[mask], on[mask])
    tell(
        "window of a split job",
        (
            split
            & (
                (late < jobs.earliest_hour[on[mask], None])
                | (late >= jobs.deadline_hour[on[mask], None])
            )
        ).any(axis=1),
        on[mask],
    )
    if found:
        return found
    tell("kind", ~_suits(jobs.kind_sets, [p.kind for p in market.pools])[jobs.kinds[on], pool])
    reached = _reaches(jobs.region_sets, [p.region for p in market.pools])
    tell("region", ~reached[jobs.regions[on], pool])
    tiers = np.array([p.green_tier or 0 for p in market.pools])
    tell("rating", tiers[pool] < jobs.min_green_tier[on])
    free, price = free_units(market, hours), hourly_prices(market, hours)
    use = units_used(market, planned, hours)
    over = use > free
    if over.any():
        row, hour = (int(x[0]) for x in np.nonzero(over))
        found.append(
            f"oversold: {int(over.sum())} pool hours, first pool {market.pools[row].pool_id} "
            f"hour {hour}: {int(use[row, hour])} of {int(free[row, hour])}"
        )
    fen = _sum_over(price, pool, start, ends, mask, split) * jobs.units[on]
    tell("price", fen != columns.price_fen[on])
    holds = (jobs.voucher_rate_e4[on] > 0) & reached[jobs.voucher_regions[on], pool]
    most = np.where(holds, fen * jobs.voucher_rate_e4[on] // 10_000, 0)
    capped = np.where(jobs.voucher_cap_fen[on] >= 0, jobs.voucher_cap_fen[on], most)
    most = np.minimum(most, capped)
    tell("voucher", (columns.voucher_fen[on] < 0) | (columns.voucher_fen[on] > most))
    limit = jobs.max_price_fen_per_unit_hour[on] * jobs.units[on] * duration
    tell("price limit", fen - columns.voucher_fen[on] > limit)
    spent = np.zeros(len(jobs.pot_names), np.int64)
    drawn = jobs.voucher_pot[on] >= 0
    np.add.at(spent, jobs.voucher_pot[on][drawn], columns.voucher_fen[on][drawn])
    for name, fen_spent in zip(jobs.pot_names, spent, strict=True):
        if fen_spent > market.voucher_pots_fen.get(name, fen_spent):
            found.append(f"voucher pot {name}: {fen_spent} fen of {market.voucher_pots_fen[name]}")
    return found


def units_used(
    market: Market, planned: Plan, hours: int, *, rows: NDArray[np.int64] | None = None
) -> Usage:
    """[pools, hours] units the plan takes, for all it places or for the jobs `rows` only."""
    jobs, columns = market.jobs, planned.columns
    assert isinstance(jobs, JobColumns)
    rows = np.flatnonzero(columns.pool_of >= 0) if rows is None else rows
    on = rows[columns.split_of[rows] < 0]
    change = np.zeros((len(market.pools), hours + 1), np.int64)
    start = columns.start[on].astype(np.int64)
    np.add.at(change, (columns.pool_of[on], start), jobs.units[on])
    np.add.at(change, (columns.pool_of[on], start + jobs.duration_hours[on]), -jobs.units[on])
    use = np.cumsum(change, axis=1)[:, :-1]
    for row in rows[columns.split_of[rows] >= 0]:
        use[columns.pool_of[row]] += jobs.units[row] * columns.hours_of[columns.split_of[row]]
    return use


def free_units(market: Market, hours: int) -> Usage:
    """[pools, hours] units open by the calendar and not taken or on offer already."""
    units = np.array([pool.units for pool in market.pools], np.int64)
    free = np.repeat(units[:, None], hours, axis=1)
    for row, pool in enumerate(market.pools):
        if pool.available is not None:
            free[row] = 0
            for first, last in pool.available:
                free[row, first:last] = pool.units
        if pool.occupied is not None:
            free[row] -= np.asarray(pool.occupied)[:hours]
    return np.maximum(0, free)


def hourly_prices(market: Market, hours: int) -> Usage:
    """[pools, hours] fen per unit-hour."""
    figures = [pool.price_fen_per_unit_hour for pool in market.pools]
    dated = [row for row, figure in enumerate(figures) if np.ndim(figure)]
    flat = np.array([0 if np.ndim(figure) else figure for figure in figures], np.int64)
    prices = np.repeat(flat[:, None], hours, axis=1)
    for row in dated:
        prices[row] = np.asarray(figures[row])[:hours]
    return prices


def _sum_over(
    figures: Usage,
    pool: NDArray[np.int64],
    start: NDArray[np.int64],
    ends: NDArray[np.int64],
    split: NDArray[np.bool_],
    hours_of: NDArray[np.bool_],
) -> NDArray[np.int64]:
    prefix = np.zeros((figures.shape[0], figures.shape[1] + 1), np.int64)
    np.cumsum(figures, axis=1, out=prefix[:, 1:])
    total = np.zeros(len(pool), np.int64)
    one = ~split
    total[one] = prefix[pool[one], ends[one]] - prefix[pool[one], start[one]]
    total[split] = (figures[pool[split]] * hours_of).sum(axis=1)
    return total


def _suits(sets: Iterable[Collection[str]], kinds: list[str]) -> NDArray[np.bool_]:
    return _accepted(sets, kinds, lambda wanted, kind: kind in wanted)


def _reaches(sets: Iterable[Collection[str]], regions: list[str]) -> NDArray[np.bool_]:
    return _accepted(
        sets, regions, lambda wanted, region: any(region_accepts(code, region) for code in wanted)
    )


def _accepted(
    sets: Iterable[Collection[str]],
    names: list[str],
    accepts: Callable[[Collection[str], str], bool],
) -> NDArray[np.bool_]:
    """[sets, pools]: asked once for every distinct name; an empty set takes anything."""
    distinct, of_pool = np.unique(np.array(names, np.str_), return_inverse=True)
    rows = [[not wanted or accepts(wanted, str(name)) for name in distinct] for wanted in sets]
    table = np.array(rows, np.bool_).reshape(len(rows), len(distinct))
    return table[:, of_pool.reshape(-1)]
