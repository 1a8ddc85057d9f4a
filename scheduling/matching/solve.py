"""solve: price, place, improve, prove on arrays. plan.py dresses the result."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from .cells import Layout, lay_out
from .compile import Crew
from .encode import Instance
from .place import improve_jobs, place_jobs
from .price import build_tables, prefix_prices, respond, shadow_revenue, step_prices
from .prove import BLOCK_OF_JOBS, bound_blocks, weights
from .search import Live, Measure

# effort -> (steps on a sample, steps on all, improve passes)
SCHEDULES = {"quick": (50, 25, 1), "std": (90, 50, 1), "deep": (200, 120, 2)}
# The step length falls geometrically over all steps: 100 steps so gave a lower bound than 160 with
# two fixed lengths (200,000 jobs, load 0.3).
ETA_FIRST, ETA_LAST, ETA_WARM = 0.5, 0.01, 0.1
CROWDED = 0.6
SAMPLE = 0.25
SAMPLE_FROM = 400_000  # below that many jobs a sample over-fits (matching.md, pitfall 3)
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


class Pricing:
    """Buffers and prices of one instance while its duals are found."""

    def __init__(self, inst: Instance, layout: Layout, crew: Crew) -> None:
        self.inst, self.layout, self.crew = inst, layout, crew
        cells, hours = layout.cells, inst.hours
        value = float(max(inst.value_voucher.max(initial=1.0), 1.0))
        dearest = float(layout.floor.max(initial=1.0))
        self.ceiling = max(dearest, min(value * 1.01, 1e4 * dearest + 1e4)) + 1.0
        self.block = 2.0 * hours * self.ceiling
        self.price = layout.floor.copy()
        self.average = self.price.copy()
        self.square = np.zeros((cells, hours))
        self.prefix = np.zeros((cells, hours + 1))
        rows = len(layout.pair_combo) * layout.tiers * layout.sizes
        self.table = np.empty((max(1, rows), hours), np.float32)
        self.giver = np.zeros((max(1, rows), hours), np.int32)
        reads = np.diff(layout.where.combo_ptr)[layout.pair_combo].sum()
        self.fused = bool(reads < 3 * cells * max(1, len(np.unique(layout.pair_hours))))
        self.diffs = np.zeros((crew.threads, cells, hours + 1), np.int64)
        self.cell = np.full(inst.n, -1, np.int32)
        self.start = np.zeros(inst.n, np.int32)
        self.way = np.zeros(inst.n, np.int8)
        self.surplus = np.zeros(inst.n)
        self.pot = inst.pot[layout.order]
        self.group = inst.group[layout.order]
        self.pot_price = np.zeros(len(inst.pot_fen))
        self.pot_square = np.zeros(len(inst.pot_fen))
        self.floor_price = np.zeros(len(inst.floors))
        self.floor_square = np.zeros(len(inst.floors))
        volume = layout.wants.units.astype(np.float64) * layout.wants.duration
        self.volume = volume
        self.asked = np.bincount(self.group, volume, len(inst.floors))
        self.typical = float(np.median(inst.value)) if inst.n else 1.0
        self.best_bound = np.inf
        self.best_price = self.price.copy()
        self.best_pot = self.pot_price.copy()
        self.best_floor = self.floor_price.copy()

    def respond_to(self, price: NDArray[np.float64], picks: NDArray[np.int64]) -> None:
        """Tables at ``price``, then what the picked jobs want; demand ends in diffs[0]."""
        layout = self.layout
        prefix_prices(price, layout.capacity, self.block, self.prefix)
        every = len(layout.pair_combo)
        cuts = np.linspace(0, every, min(every, 4 * self.crew.threads) + 1).astype(int)
        self.crew.run(
            [
                _call(build_tables, self.prefix, layout.where, layout.pair_combo,
                      layout.pair_hours, lo, hi, layout.tiers, layout.sizes, self.fused,
                      self.table, self.giver)
                for lo, hi in pairwise(cuts) if hi > lo
            ]
        )  # fmt: skip
        threads = self.crew.threads
        self.diffs[:] = 0
        edges = np.linspace(0, len(picks), threads + 1).astype(int)
        self.crew.run(
            [
                _call(respond, picks, edges[k], edges[k + 1], layout.wants, layout.where,
                      self.table, self.giver, self.prefix, self.block, self.diffs[k], self.cell,
                      self.start, self.way, self.surplus)
                for k in range(threads)
            ]
        )  # fmt: skip
        for k in range(1, threads):
            self.diffs[0] += self.diffs[k]

    def step(self, picks: NDArray[np.int64], eta: float, keep: float) -> None:
        inst, layout = self.inst, self.layout
        self.respond_to(self.price, picks)
        scale = inst.n / max(1, len(picks))
        cuts = np.linspace(0, layout.cells, self.crew.threads + 1).astype(int)
        self.crew.run(
            [
                _call(step_prices, lo, hi, self.diffs[0], scale, layout.where, inst.free,
                      inst.cost, layout.floor, layout.capacity, eta, keep, self.ceiling,
                      self.price, self.square, self.average)
                for lo, hi in pairwise(cuts)
            ]
        )  # fmt: skip
        self._step_side_duals(picks, eta, scale)

    def _step_side_duals(self, picks: NDArray[np.int64], eta: float, scale: float) -> None:
        """Voucher pots and fairness floors: the same step, a handful of prices."""
        inst, layout = self.inst, self.layout
        changed = False
        if (inst.pot >= 0).any():
            on = picks[(self.cell[picks] >= 0) & (self.way[picks] == 1) & (self.pot[picks] >= 0)]
            spent = scale * np.bincount(self.pot[on], layout.pot_least[on], len(inst.pot_fen))
            slope = np.clip(spent / np.maximum(inst.pot_fen, 1.0) - 1, -10, 10)
            self.pot_square += slope**2
            move = eta * slope / np.sqrt(np.maximum(self.pot_square, 1e-12))
            self.pot_price = np.maximum(0.0, self.pot_price + move)
            changed = True
        if (inst.floors > 0).any():
            on = picks[self.cell[picks] >= 0]
            served = scale * np.bincount(self.group[on], self.volume[on], len(inst.floors))
            slope = inst.floors - served / np.maximum(self.asked, 1e-9)
            self.floor_square += slope**2
            move = eta * self.typical * slope / np.sqrt(np.maximum(self.floor_square, 1e-12))
            self.floor_price = np.maximum(0.0, self.floor_price + move)
            changed = True
        if changed:
            self.set_side_prices(self.pot_price, self.floor_price)

    def set_side_prices(self, pot: NDArray[np.float64], floor: NDArray[np.float64]) -> None:
        wants, has = self.layout.wants, self.pot >= 0
        wants.penalty_b[has] = pot[self.pot[has]] * self.layout.pot_least[has]
        wants.bonus[:] = floor[self.group]

    def bound_at(self, price: NDArray[np.float64], picks: NDArray[np.int64]) -> float:
        """The certified bound at these prices (all jobs must be in ``picks``)."""
        inst, layout = self.inst, self.layout
        self.respond_to(price, picks)
        blocks = -(-inst.n // BLOCK_OF_JOBS)
        sums = np.zeros(blocks)
        edges = np.linspace(0, blocks, self.crew.threads + 1).astype(int)
        self.crew.run(
            [
                _call(bound_blocks, edges[k], edges[k + 1], layout.wants, layout.where,
                      self.prefix, self.block, self.cell, self.surplus, sums)
                for k in range(self.crew.threads)
            ]
        )  # fmt: skip
        total = float(sums.sum()) + shadow_revenue(
            price, layout.where, inst.free, inst.cost, layout.capacity
        )
        total += float((inst.pot_fen * self.pot_price).sum()) if (inst.pot >= 0).any() else 0.0
        return total - float((inst.floors * self.asked * self.floor_price).sum())

    def evaluate(self, picks: NDArray[np.int64]) -> float:
        """Bound at the averaged prices, kept when it is the best so far."""
        price = np.maximum(np.round(self.average, 3), 0.0)
        bound = self.bound_at(price, picks)
        if bound < self.best_bound:
            self.best_bound = bound
            self.best_price = price
            self.best_pot = self.pot_price.copy()
            self.best_floor = self.floor_price.copy()
        return bound


def _call(function, *args):  # type: ignore[no-untyped-def]
    return lambda: function(*args)


def find_prices(
    pricing: Pricing,
    seed: int,
    effort: str,
    warm: NDArray[np.float64] | None,
    tell: Callable[[str, float], None],
    trail: list[tuple[float, float]],
) -> None:
    """Fill pricing.best_price: sampled steps, then steps on all jobs with the bound kept."""
    inst = pricing.inst
    began = time.perf_counter()
    everyone = np.arange(inst.n)
    on_sample, on_all, _ = SCHEDULES[effort]
    load = float(pricing.volume.sum()) / max(1.0, float(inst.free.sum(dtype=np.float64)))
    if load > CROWDED:  # scarce everywhere: prices need longer, each step costs less
        on_sample, on_all = on_sample * 2, on_all * 2
    rng = np.random.default_rng(seed)
    if warm is not None:
        pricing.price = np.minimum(np.maximum(warm, pricing.layout.floor), pricing.ceiling)
        pricing.average = pricing.price.copy()
        on_sample, on_all = 0, max(25, on_all // 2)
        pricing.square[:] = 25.0
    total = on_sample + on_all
    sampled = inst.n >= SAMPLE_FROM
    sample = np.flatnonzero(rng.random(inst.n) < SAMPLE) if sampled else everyone
    first = ETA_FIRST if warm is None else ETA_WARM

    def eta(k: int) -> float:
        return float(first * (ETA_LAST / first) ** (k / max(1, total - 1)))

    for k in range(on_sample):
        pricing.step(sample, eta(k), 0.9)
        if k % 10 == 0:
            tell("price", k / total)
    for k in range(on_all):
        pricing.step(everyone, eta(on_sample + k), 0.9)
        if ((on_all - 1 - k) % 10 == 0 and k > 0) or k == on_all - 1:
            bound = pricing.evaluate(everyone)
            trail.append((time.perf_counter() - began, bound))
            tell("price", (on_sample + k) / total)


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
        Measure(prefix(cell), prefix(scarce), block),
        Measure(prefix(floor), prefix(inst.cost), block),
    )


def solve(
    inst: Instance,
    *,
    seed: int = 0,
    effort: str = "std",
    warm_by_pool: NDArray[np.float64] | None = None,
    tell: Callable[[str, float], None] = lambda step, share: None,
    crew: Crew | None = None,
) -> Solution:
    """The whole method on an encoded instance. ``warm_by_pool`` [P, T]: last plan's cell prices."""
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
    trail: list[tuple[float, float]] = []
    find_prices(pricing, seed, effort, warm, tell, trail)
    everyone = np.arange(inst.n)
    pricing.pot_price, pricing.floor_price = pricing.best_pot, pricing.best_floor
    pricing.set_side_prices(pricing.pot_price, pricing.floor_price)
    bound = pricing.bound_at(pricing.best_price, everyone)
    lap("price")
    scarce, true = measures(inst, layout, pricing.best_price, pricing.block)
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
                    _call(place_jobs, mine, 0, len(mine), *common, scarce, live, part_of_cell,
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
    for sweep in range(SCHEDULES[effort][2]):
        if sweep:
            part_of_cell = _deal_cells(inst, layout, parts, rng)
            leftover = rng.integers(0, parts, inst.n)
        calls = []
        at = np.where(pool_of >= 0, part_of_cell[layout.where.cell_of_pool[pool_of]], leftover)
        for k in range(parts):
            mine = order[at[order] == k]
            calls.append(
                _call(improve_jobs, mine, 0, len(mine), *common, true, live, part_of_cell,
                      k if parts > 1 else -1, *state, most)
            )  # fmt: skip
        own.run(calls)
        tell("improve", (sweep + 1) / SCHEDULES[effort][2])
    lap("improve")
    worth = np.zeros(inst.n)
    weights(layout.wants, live, pool_of, start_of, way_of, worth)
    back = np.empty(inst.n, np.int64)
    back[layout.order] = np.arange(inst.n)
    split_rows = layout.wants.split[back][inst.interruptible]
    objective = float(worth[back].sum())
    lap("prove")
    if crew is None:
        own.close()
    return Solution(
        pool_of[back],
        start_of[back],
        way_of[back],
        live.hours_of[split_rows],
        objective,
        max(bound, objective),
        pricing.best_price,
        layout.where.cell_of_pool,
        pricing.best_pot,
        pricing.best_floor,
        live.free,
        timings,
        trail,
    )


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
