"""POP: random parts of the jobs, each on its share of every pool, solved apart and added up.

Narayanan et al., SOSP 2021. Pools keep whole units: part k gets floor or ceil of its share, so the
parts together never exceed the pool. The bound is the whole market's bound at the average price of
the parts, hence still a proof for the whole.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from .cells import lay_out
from .compile import Crew
from .encode import Instance
from .find_prices import Pricing
from .solve import Solution, solve


def solve_in_parts(
    inst: Instance,
    parts: int,
    *,
    seed: int,
    effort: str,
    tell: Callable[[str, float], None],
) -> Solution:
    rng = np.random.default_rng(seed + 7)
    part_of = rng.integers(0, parts, inst.n)
    pool_of = np.full(inst.n, -1, np.int32)
    start_of = np.zeros(inst.n, np.int32)
    way_of = np.zeros(inst.n, np.int8)
    split_of = np.cumsum(inst.interruptible) - 1
    hours_of = np.zeros((int(inst.interruptible.sum()), inst.hours), np.bool_)
    prices = np.zeros((len(inst.pool_ids), inst.hours))
    left = inst.free.copy()
    timings: dict[str, float] = {}
    for k in range(parts):
        jobs = np.flatnonzero(part_of == k)
        share = -(-left.astype(np.int64) // (parts - k)).astype(np.int64)
        part = _part(inst, jobs, share.astype(np.int32), 1 / parts)
        found = solve(part, seed=seed, effort=effort)
        pool_of[jobs], start_of[jobs] = found.pool_of, found.start_of
        way_of[jobs] = found.way_of
        stop = jobs[inst.interruptible[jobs]]
        hours_of[split_of[stop]] = found.hours_of
        left -= share.astype(np.int32) - found.free  # what this part did not use passes on
        prices += found.prices[found.cell_of_pool] / parts
        for name, spent in found.timings.items():
            timings[name] = timings.get(name, 0.0) + spent
        tell("part", (k + 1) / parts)
    layout = lay_out(inst)
    with Crew() as crew:
        pricing = Pricing(inst, layout, crew)
        cell_price = np.zeros((layout.cells, inst.hours))
        np.maximum.at(cell_price, layout.where.cell_of_pool, prices)
        pricing.average = cell_price
        bound = pricing.evaluate(np.arange(inst.n))
    return Solution(
        pool_of, start_of, way_of, hours_of, 0.0, bound, pricing.best_price,
        layout.where.cell_of_pool, pricing.best_pot, pricing.best_floor, left, timings,
    )  # fmt: skip


def _part(
    inst: Instance, jobs: NDArray[np.int64], free: NDArray[np.int32], share: float
) -> Instance:
    """The same market with some of the jobs, some of the units and that share of every pot."""
    per_job = (
        "units", "duration", "earliest", "latest", "tier_min", "kind_set", "site_set",
        "voucher_set", "value", "value_voucher", "rate", "cap", "pot", "group", "interruptible",
    )  # fmt: skip
    return replace(
        inst,
        free=free,
        pot_fen=(inst.pot_fen * share).astype(np.int64),
        **{name: getattr(inst, name)[jobs] for name in per_job},
    )
