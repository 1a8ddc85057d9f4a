"""solve: price, place, improve, prove on arrays. plan.py dresses the result."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from .cells import Layout, lay_out
from .compile import Crew
from .encode import Instance
from .find_prices import SCHEDULES, Pricing, Search, bind
from .place import improve_jobs, place_jobs
from .prove import weights
from .search import Live, Measure, measure_of
from .shake import SHAKE_JOBS, shake

PARTS = 2
PARTS_FROM = 20_000
TRUE_SHARE = 1e-3  # share of true cost in the scarcity measure: breaks ties towards cheap pools


@dataclass
class Solution:
    """Arrays in the order the jobs were given; pool_of -1 = not placed."""

    pool_of: NDArray[np.int32]
    start_of: NDArray[np.int32]
    way_of: NDArray[np.int8]
    hours_of: NDArray[np.bool_]  # [N interruptible, T], in the order given
    objective: float
    bound: float
    prices: NDArray[np.float64]
    cell_of_pool: NDArray[np.int32]
    pot_prices: NDArray[np.float64]
    floor_prices: NDArray[np.float64]
    free: NDArray[np.int32]
    timings: dict[str, float] = field(default_factory=dict)
    trail: list[tuple[float, float]] = field(default_factory=list)  # (seconds, bound)


def measures(
    inst: Instance, layout: Layout, price: NDArray[np.float64], block: float
) -> tuple[Measure, Measure]:
    """(scarcity, true): prefix sums for placing and for improving."""

    def prefix(figures: NDArray[np.float64]) -> NDArray[np.float64]:
        out = np.zeros((figures.shape[0], figures.shape[1] + 1))
        np.cumsum(figures, axis=1, out=out[:, 1:])
        return out

    price = np.maximum(price, layout.floor)
    scarce = np.maximum(price[layout.where.cell_of_pool], inst.cost)
    scarce = (1 - TRUE_SHARE) * scarce + TRUE_SHARE * inst.cost
    cell = np.where(
        layout.capacity > 0, (1 - TRUE_SHARE) * price + TRUE_SHARE * layout.floor, block
    )
    floor = np.where(layout.capacity > 0, layout.floor, block)
    return (
        measure_of(prefix(cell), prefix(scarce), block),
        measure_of(prefix(floor), prefix(inst.cost), block),
    )


def solve(
    inst: Instance,
    *,
    seed: int = 0,
    effort: str = "std",
    warm_by_pool: NDArray[np.float64] | None = None,
    tell: Callable[[str, float], None] = lambda step, share: None,
    first: Callable[[Solution], None] | None = None,
    crew: Crew | None = None,
) -> Solution:
    """The whole method on an encoded instance. ``warm_by_pool`` [P, T]: last plan's cell prices.

    ``first`` gets the plan half way through its second pass of improving (beyond effort quick),
    with the bound known then; what follows improves it a little more and tightens the bound.
    """
    own = crew or Crew(None if inst.n >= PARTS_FROM else 1)
    clock = [time.perf_counter()]
    timings: dict[str, float] = {}

    def lap(name: str) -> None:
        clock.append(time.perf_counter())
        timings[name] = clock[-1] - clock[-2]

    layout = lay_out(inst)
    pricing = Pricing(inst, layout, own)
    warm = None
    if warm_by_pool is not None:
        warm = np.zeros((layout.cells, inst.hours))
        np.maximum.at(warm, layout.where.cell_of_pool, warm_by_pool)
    lap("lay_out")
    search = Search(pricing, seed, effort, warm, tell)
    everyone = search.everyone
    search.run("price", search.sampled + search.before)
    lap("price")
    wish_price, side_prices = pricing.best_price, (pricing.pot_price, pricing.floor_price)
    pricing.set_side_prices(pricing.best_pot, pricing.best_floor)
    pricing.respond_to(wish_price, everyone)
    scarce, true = measures(inst, layout, wish_price, pricing.block)
    live = Live(
        free=inst.free.copy(),
        true=true.pool,
        paid=np.concatenate(
            [np.zeros((len(inst.price), 1), np.int64), np.cumsum(inst.price, axis=1)], axis=1
        ),
        pot=inst.pot[layout.order],
        rate=inst.rate[layout.order],
        cap=inst.cap[layout.order],
        left=inst.pot_fen.copy(),
        hours_of=np.zeros((int(inst.interruptible.sum()), inst.hours), np.bool_),
    )
    pool_of = np.full(inst.n, -1, np.int32)
    start_of = np.zeros(inst.n, np.int32)
    way_of = np.zeros(inst.n, np.int8)
    held = np.zeros(inst.n, np.int64)
    parts = PARTS if inst.n >= PARTS_FROM and not (inst.pot >= 0).any() else 1
    rng = np.random.default_rng(seed + 1)
    part_of_cell = _deal_cells(inst, layout, parts, rng)
    wish = pricing.cell.copy(), pricing.start.copy(), pricing.way.copy()
    by_surplus = np.argsort(-pricing.surplus, kind="stable")
    by_surplus = by_surplus[pricing.surplus[by_surplus] > 0]
    leftover = rng.integers(0, parts, inst.n)
    home = np.where(wish[0] >= 0, part_of_cell[wish[0]], leftover)
    state = (pool_of, start_of, way_of, held)
    common = (layout.wants, layout.where)
    rounds = 20 if parts > 1 else 1
    edges = np.linspace(0, len(by_surplus), rounds + 1).astype(int)
    for r in range(rounds):
        block_jobs = by_surplus[edges[r] : edges[r + 1]]
        for turn in range(parts):
            calls = []
            for k in range(parts):
                mine = block_jobs[home[block_jobs] == (k + turn) % parts]
                part = k if parts > 1 else -1
                calls.append(
                    bind(place_jobs, mine, 0, len(mine), *common, scarce, live, part_of_cell,
                          part, *wish, *state)
                )  # fmt: skip
            own.run(calls)
        tell("place", (r + 1) / rounds)
    lap("place")
    pricing.respond_to(layout.floor, everyone)  # no job can be worth more than on an empty market
    most = pricing.surplus + 1e-6 * (layout.wants.value_b + layout.wants.bonus) * pricing.volume
    most[layout.wants.split >= 0] = np.inf
    ahead = -(inst.value_voucher * inst.units * inst.duration)[layout.order]
    rest = np.argsort(ahead, kind="stable")
    rest = rest[~np.isin(rest, by_surplus)] if len(by_surplus) < inst.n else rest[:0]
    order = np.concatenate([by_surplus, rest])
    back = np.empty(inst.n, np.int64)
    back[layout.order] = np.arange(inst.n)
    split_rows = layout.wants.split[back][inst.interruptible]

    def dress() -> Solution:
        worth = np.zeros(inst.n)
        weights(layout.wants, live, pool_of, start_of, way_of, worth)
        objective = float(worth[back].sum())
        return Solution(
            pool_of[back], start_of[back], way_of[back], live.hours_of[split_rows], objective,
            max(pricing.best_bound, objective), pricing.best_price, layout.where.cell_of_pool,
            pricing.best_pot, pricing.best_floor, live.free.copy(), timings, search.trail,
        )  # fmt: skip

    sweeps = SCHEDULES[effort][3] if warm is None else 1  # near the last plan one is enough
    for sweep in range(sweeps):
        if sweep:
            part_of_cell = _deal_cells(inst, layout, parts, rng)
            leftover = rng.integers(0, parts, inst.n)
        at = np.where(pool_of >= 0, part_of_cell[layout.where.cell_of_pool[pool_of]], leftover)
        mine = [order[at[order] == k] for k in range(parts)]
        for half in range(2):
            calls = [
                bind(improve_jobs, jobs, half * (len(jobs) // 2),
                     len(jobs) if half else len(jobs) // 2, *common, true, live, part_of_cell,
                     k if parts > 1 else -1, *state, most)
                for k, jobs in enumerate(mine)
            ]  # fmt: skip
            own.run(calls)
            tell("improve", (sweep + (half + 1) / 2) / sweeps)
            if first is not None and 2 * sweep + half == min(2, 2 * sweeps - 1):
                first(dress())
    if 0 < inst.n <= SHAKE_JOBS and effort != "quick":
        shake(rng, inst.hours, len(inst.pool_ids), *common, true, live, pool_of, start_of, way_of)
    lap("improve")
    pricing.set_side_prices(*side_prices)
    search.run("prove", search.total)
    lap("prove")
    if crew is None:
        own.close()
    return dress()


def _deal_cells(
    inst: Instance, layout: Layout, parts: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Sites dealt at random, largest capacity first, to the part that has least."""
    if parts == 1:
        return np.zeros(layout.cells, np.int64)
    n_sites = inst.site_sets.shape[1]
    weight = np.zeros(n_sites)
    np.add.at(weight, inst.site, inst.free.sum(axis=1) * rng.uniform(0.5, 1.5, len(inst.site)))
    part = np.zeros(n_sites, np.int64)
    load = np.zeros(parts)
    for s in np.argsort(-weight, kind="stable"):
        k = int(np.argmin(load))
        part[s] = k
        load[k] += weight[s]
    by_cell = np.zeros(layout.cells, np.int64)
    by_cell[layout.where.cell_of_pool] = part[inst.site]
    return by_cell
