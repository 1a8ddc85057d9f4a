"""find prices: the dual steps of one instance, and the bound its best prices certify."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from .cells import Layout
from .compile import Crew
from .encode import Instance
from .price import build_tables, prefix_prices, respond, shadow_revenue, step_prices
from .prove import BLOCK_OF_JOBS, bound_blocks

# effort -> (steps on a sample, on all before placing, on all after: for the proof, improve passes)
SCHEDULES = {"quick": (50, 10, 15, 1), "std": (90, 30, 35, 2), "deep": (200, 60, 100, 3)}
# (crowded, sampled) -> step length at first and at last, falling geometrically, and what the
# schedule's three counts are multiplied by. Where it is crowded prices stand far above cost: long
# steps get there. A sample costs half and misleads: at load 1.0 a quarter of the sampled steps gave
# a bound 1 % lower (10^6 jobs; figures in docs/benchmarks.md).
PACES = {
    (False, False): (0.5, 0.01, (1, 1, 1)),
    (False, True): (0.5, 0.005, (1 / 2, 1, 4 / 3)),
    (True, False): (3.0, 0.005, (2, 2, 2)),
    (True, True): (3.0, 0.02, (1 / 4, 4 / 3, 3 / 2)),
}
ETA_WARM = 0.1, 0.01
CROWDED = 0.6
SAMPLE = 0.25
SAMPLE_FROM = 400_000  # below that many jobs a sample over-fits (matching.md, pitfall 3)
SAMPLED_HOURS = 24  # on a sample the few longer jobs read their cells: no table pays for them


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
        self.short = int(np.searchsorted(layout.pair_hours, SAMPLED_HOURS, side="right"))
        self.diffs = np.zeros((crew.threads, cells, hours + 1), np.int64)
        self._cuts: dict[tuple[int, int], NDArray[np.int64]] = {}
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
        every = len(layout.pair_combo) if 2 * len(picks) > self.inst.n else self.short
        cuts = np.linspace(0, every, min(every, 4 * self.crew.threads) + 1).astype(int)
        self.crew.run(
            [
                bind(build_tables, self.prefix, layout.where, layout.pair_combo,
                      layout.pair_hours, lo, hi, layout.tiers, layout.sizes, self.fused,
                      self.table, self.giver)
                for lo, hi in pairwise(cuts) if hi > lo
            ]
        )  # fmt: skip
        threads = self.crew.threads
        self.diffs[:] = 0
        edges = self._shares(picks, every)
        self.crew.run(
            [
                bind(respond, picks, edges[k], edges[k + 1], layout.wants, layout.where,
                      every * layout.tiers * layout.sizes, self.table, self.giver, self.prefix,
                      self.block, self.diffs[k], self.cell, self.start, self.way, self.surplus)
                for k in range(threads)
            ]
        )  # fmt: skip
        for k in range(1, threads):
            self.diffs[0] += self.diffs[k]

    def _shares(self, picks: NDArray[np.int64], pairs: int) -> NDArray[np.int64]:
        """Where to cut ``picks`` so that every thread has as much to do: jobs without a table, most
        of them long and so at the end, take far longer than the others."""
        key = len(picks), pairs
        if key not in self._cuts:
            wants, rows = self.layout.wants, pairs * self.layout.tiers * self.layout.sizes
            weight = np.ones(len(picks))
            for combo, row in ((wants.combo_a, wants.row_a), (wants.combo_b, wants.row_b)):
                reads = (combo[picks] >= 0) & ((row[picks] < 0) | (row[picks] >= rows))
                members = np.diff(self.layout.where.combo_ptr)[combo[picks][reads]]
                weight[reads] += members * 0.5
            total = np.concatenate([[0.0], np.cumsum(weight)])
            marks = np.linspace(0, total[-1], self.crew.threads + 1)
            self._cuts[key] = np.searchsorted(total, marks)
            self._cuts[key][-1] = len(picks)
        return self._cuts[key]

    def step(self, picks: NDArray[np.int64], eta: float, keep: float) -> None:
        inst, layout = self.inst, self.layout
        self.respond_to(self.price, picks)
        scale = inst.n / max(1, len(picks))
        cuts = np.linspace(0, layout.cells, self.crew.threads + 1).astype(int)
        self.crew.run(
            [
                bind(step_prices, lo, hi, self.diffs[0], scale, layout.where, inst.free,
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
                bind(bound_blocks, edges[k], edges[k + 1], layout.wants, layout.where,
                      self.table, self.prefix, self.block, self.cell, self.surplus, sums)
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


def bind(function, *args):  # type: ignore[no-untyped-def]
    return lambda: function(*args)


class Search:
    """The steps on prices, in two stretches: before the plan is placed and, for the proof, after.

    Sampled steps, then steps on all jobs with the bound kept; one falling step length throughout.
    """

    def __init__(
        self,
        pricing: Pricing,
        seed: int,
        effort: str,
        warm: NDArray[np.float64] | None,
        tell: Callable[[str, float], None],
    ) -> None:
        inst = pricing.inst
        self.pricing, self.tell, self.began = pricing, tell, time.perf_counter()
        self.trail: list[tuple[float, float]] = []
        load = float(pricing.volume.sum()) / max(1.0, float(inst.free.sum(dtype=np.float64)))
        pace = PACES[load > CROWDED, inst.n >= SAMPLE_FROM]
        self.first, self.last, times = pace
        sampled, before, after = (
            int(steps * by) for steps, by in zip(SCHEDULES[effort], times, strict=False)
        )
        if warm is not None:
            pricing.price = np.minimum(np.maximum(warm, pricing.layout.floor), pricing.ceiling)
            pricing.average = pricing.price.copy()
            pricing.square[:] = 25.0
            sampled, before, after = 0, before // 2, max(25, after // 2)
            self.first, self.last = ETA_WARM
        self.sampled, self.before, self.total = sampled, before, sampled + before + after
        self.done = 0
        self.everyone = np.arange(inst.n)
        self.sample = self.everyone
        if inst.n >= SAMPLE_FROM:
            self.sample = np.flatnonzero(np.random.default_rng(seed).random(inst.n) < SAMPLE)

    def run(self, name: str, upto: int) -> None:
        """Steps done .. upto - 1; the bound is taken every tenth and after the last."""
        while self.done < upto:
            k = self.done
            eta = self.first * (self.last / self.first) ** (k / max(1, self.total - 1))
            whole = k >= self.sampled
            self.pricing.step(self.everyone if whole else self.sample, float(eta), 0.9)
            self.done += 1
            left = upto - self.done
            if whole and (left == 0 or (left % 10 == 0 and k > self.sampled)):
                bound = self.pricing.evaluate(self.everyone)
                self.trail.append((time.perf_counter() - self.began, bound))
            if left % 10 == 0:
                self.tell(name, self.done / self.total)
