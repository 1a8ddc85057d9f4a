"""plan: the one entry that turns a market into placements with a certificate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .admit import refuse
from .assemble import certify, columns_of
from .encode import Instance, encode
from .exact import EXACT_JOBS, solve_exactly
from .find_prices import SCHEDULES
from .market import Market
from .partition import solve_in_parts
from .result import Certificate, Plan
from .solve import Solution, solve

MEMORY_LIMIT_BYTES = 6_000_000_000


def plan(
    market: Market,
    *,
    carbon_price_fen_per_kg: float = 0.0,
    hours: int = 168,
    seed: int = 0,
    effort: str = "auto",
    warm: Certificate | None = None,
    partitions: int = 1,
    progress: Callable[[str, float], None] | None = None,
    first: Callable[[Plan], None] | None = None,
) -> Plan:
    """Place what is worth most at price plus carbon; never oversell; prove how good it is.

    carbon_price_fen_per_kg  what the policy counts a kg of CO2 as, >= 0
    hours        slots of the horizon, 1..1024
    effort       auto (exact up to 2,000 jobs, else std) | quick | std | deep | exact
    warm         the last plan's certificate: start from its prices
    partitions   random parts solved each on its own share (POP); 1 = whole
    progress     called with (step, share done 0..1)
    first        called with the plan as soon as it is placed, before its bound is tightened

    Where a group has a fairness floor the market is planned once more without, and what the floors
    cost is told in ``Plan.price_of_fairness_fen``.

    The same market, numbers and seed give the same plan, byte for byte. ``Pool.occupied`` counts as
    taken. Raises MarketError for input that cannot be planned.
    """
    if effort not in (*SCHEDULES, "auto", "exact"):
        refuse("bad_effort", f"unknown effort {effort!r}", f"未知的计算强度 {effort!r}", "market")
    if partitions < 1:
        refuse("bad_partitions", "partitions must be 1 or more", "分区数至少为 1", "market")
    admit_size(len(market.jobs), len(market.pools), hours)
    inst = encode(market, carbon_price_fen_per_kg=carbon_price_fen_per_kg, hours=hours)
    tell = progress or (lambda step, share: None)
    steps = effort if effort in SCHEDULES else "std"
    warm_by_pool = warm_prices(inst, warm)

    def dressed(found: Solution, method: str = "prices", solver: float | None = None) -> Plan:
        columns = columns_of(inst, market, found)
        certificate = certify(inst, found, columns, method=method, solver_bound=solver)
        return Plan(
            columns, certificate, float(carbon_price_fen_per_kg), hours, seed, effort,
            timings_seconds=found.timings, fairness=_fairness(inst, found),
        )  # fmt: skip

    hand_over = None if first is None else lambda found: first(dressed(found))
    if partitions > 1:
        found = solve_in_parts(inst, partitions, seed=seed, effort=steps, tell=tell)
    else:
        found = solve(inst, seed=seed, effort=steps, warm_by_pool=warm_by_pool, tell=tell,
                      first=hand_over)  # fmt: skip
    method, solver_bound = "prices", None
    if partitions == 1 and (effort == "exact" or (effort == "auto" and inst.n <= EXACT_JOBS)):
        better = solve_exactly(inst, found)
        if better is not None:
            found, solver_bound = better
            method = "mip"
    made = dressed(found, method, solver_bound)
    if (inst.floors > 0).any():
        free = solve(replace(inst, floors=np.zeros_like(inst.floors)), seed=seed, effort=steps)
        lost = max(0.0, free.objective - made.certificate.objective_fen)
        made = replace(made, price_of_fairness_fen=lost)
    tell("prove", 1.0)
    return made


def admit_size(jobs: int, pools: int, hours: int) -> None:
    """Refuse what would not fit in memory before anything large is allocated."""
    need = jobs * 400 + pools * hours * 120 + 700_000_000 * (jobs > 1000)
    if need > MEMORY_LIMIT_BYTES:
        refuse(
            "too_large",
            f"about {need // 10**6} MB would be needed, the limit is "
            f"{MEMORY_LIMIT_BYTES // 10**6} MB; split the market or shorten the horizon",
            f"约需 {need // 10**6} MB 内存，超过上限 {MEMORY_LIMIT_BYTES // 10**6} MB",
            "market",
        )


def warm_prices(inst: Instance, warm: Certificate | None) -> NDArray[np.float64] | None:
    """[P, T] cell price of each pool in an earlier certificate; 0 for a pool it did not know."""
    if warm is None or warm.cell_prices.shape[1] < inst.hours:
        return None
    row_of = {pool_id: k for k, pool_id in enumerate(warm.pool_ids)}
    prices = np.zeros((len(inst.pool_ids), inst.hours))
    for k, pool_id in enumerate(inst.pool_ids):
        if pool_id in row_of:
            prices[k] = warm.cell_prices[warm.cell_of_pool[row_of[pool_id]], : inst.hours]
    return prices


def _fairness(inst: Instance, found: Solution) -> dict[str, Any]:
    """Served share of asked unit-hours by group, beside its floor."""
    volume = inst.units.astype(np.float64) * inst.duration
    names = [str(x) for x in inst.columns.group_names]
    asked = np.bincount(inst.group, volume, len(names))
    served = np.bincount(inst.group, volume * (found.pool_of >= 0), len(names))
    return {
        name: {
            "floor": float(inst.floors[k]),
            "served_share": float(served[k] / asked[k]) if asked[k] else None,
            "floor_price_fen_per_unit_hour": float(found.floor_prices[k]),
        }
        for k, name in enumerate(names)
        if name
    }
