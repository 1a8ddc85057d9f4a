"""What comes out: placements, unplaced jobs with reasons, and the certificate."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

# code -> (English, 中文). The order is the order in which the reasons are tested.
REASONS: dict[str, tuple[str, str]] = {
    "kind": ("no pool offers any of the kinds asked for", "没有资源池提供所需的加速器类型"),
    "region": ("no pool of that kind is in the regions asked for", "所需区域内没有该类型的资源池"),
    "label": ("no such pool has the residency or latency marks", "没有资源池满足驻留/时延要求"),
    "rating": ("no such pool has the least rating asked for", "没有资源池达到所需绿色评级"),
    "pue": ("every such pool has a higher PUE than allowed", "符合条件的资源池 PUE 均高于上限"),
    "size": ("no such pool is large enough for the whole gang", "没有资源池能同时容纳全部单元"),
    "horizon": ("it cannot end within the planned hours", "在规划时段内无法完成"),
    "window": ("no such pool is open long enough in its window", "时间窗内没有足够长的可用时段"),
    "price": ("the price limit is below every price in its window", "价格上限低于窗口内的所有价格"),
    "carbon": ("worth less than price plus carbon cost", "其价值低于价格与碳成本之和"),
    "pot": ("the voucher budget is used up", "算力券预算已用尽"),
    "capacity": ("others who value the hours more hold them", "容量已由出价更高的作业占用"),
}
REASON_CODES = list(REASONS)


@dataclass(frozen=True, slots=True)
class Placement:
    """One job in one pool. ``segments`` are half-open hours; ``kgco2`` None = carbon not known.

    price_fen    units x sum of the pool's prices over its hours, before the voucher
    voucher_fen  the voucher's part, rounded down to the fen; payer pays price_fen - voucher_fen
    """

    job_id: str
    pool_id: str
    segments: tuple[tuple[int, int], ...]
    price_fen: int
    voucher_fen: int
    kwh: float
    kgco2: float | None


@dataclass(frozen=True, slots=True)
class Unplaced:
    """A job left out and why: ``reason`` is a key of ``REASONS``."""

    job_id: str
    reason: str
    text_en: str
    text_zh: str


@dataclass(frozen=True)
class Certificate:
    """Proof of quality: anyone can recompute ``bound_fen`` from the prices.

    A pool's shadow price at hour t is max(0, cell_prices[cell_of_pool, t] - cost[pool, t]) fen per
    unit-hour, where cost = price + carbon price x kg. Prices (voucher pots: ``pot_prices``,
    fairness floors: ``floor_prices``) give the bound
        sum capacity x shadow + sum_j max(0, best weight - units x shadow over its hours)
        + sum pots x pot price - sum floors x floor price,
    which no plan can exceed. gap = 1 - objective/bound (0 when both are 0).
    method: ``prices`` | ``mip`` (the bound is then min(price bound, solver's bound), both kept).
    """

    objective_fen: float
    bound_fen: float
    gap: float
    method: str
    price_bound_fen: float
    pool_ids: tuple[str, ...]
    cell_of_pool: NDArray[np.int32]  # [pools]
    cell_prices: NDArray[np.float64]  # [cells, hours] fen per unit-hour
    pot_prices: dict[str, float] = field(default_factory=dict)
    floor_prices: dict[str, float] = field(default_factory=dict)
    counts: dict[str, Any] = field(default_factory=dict)
    solver_bound_fen: float | None = None

    def to_json(self) -> dict[str, Any]:
        """A JSON document (prices in fen, thousandths kept); the inverse of ``from_json``."""
        return {
            "objective_fen": self.objective_fen,
            "bound_fen": self.bound_fen,
            "gap": self.gap,
            "method": self.method,
            "price_bound_fen": self.price_bound_fen,
            "solver_bound_fen": self.solver_bound_fen,
            "pool_ids": list(self.pool_ids),
            "cell_of_pool": self.cell_of_pool.tolist(),
            "cell_prices": self.cell_prices.tolist(),
            "pot_prices": self.pot_prices,
            "floor_prices": self.floor_prices,
            "counts": self.counts,
        }

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Certificate:
        return cls(
            objective_fen=float(document["objective_fen"]),
            bound_fen=float(document["bound_fen"]),
            gap=float(document["gap"]),
            method=str(document["method"]),
            price_bound_fen=float(document["price_bound_fen"]),
            solver_bound_fen=document["solver_bound_fen"],
            pool_ids=tuple(document["pool_ids"]),
            cell_of_pool=np.asarray(document["cell_of_pool"], dtype=np.int32),
            cell_prices=np.asarray(document["cell_prices"], dtype=np.float64),
            pot_prices=dict(document["pot_prices"]),
            floor_prices=dict(document["floor_prices"]),
            counts=dict(document["counts"]),
        )


@dataclass(frozen=True)
class PlanColumns:
    """The plan as arrays, jobs in the order given; pool_of -1 = not placed.

    hours_of[k] holds the hours of the k-th interruptible job, split_of[j] = k or -1.
    reason[j] indexes ``REASON_CODES`` for a job not placed, -1 else. kgco2 is NaN when not known.
    """

    job_ids: Any
    pool_ids: list[str]
    pool_of: NDArray[np.int32]
    start: NDArray[np.int32]
    duration: NDArray[np.int32]
    split_of: NDArray[np.int32]
    hours_of: NDArray[np.bool_]
    price_fen: NDArray[np.int64]
    voucher_fen: NDArray[np.int64]
    kwh: NDArray[np.float64]
    kgco2: NDArray[np.float64]
    reason: NDArray[np.int8]
    uses_voucher: NDArray[np.bool_]
    weight_fen: NDArray[np.float64]

    def segments(self, j: int) -> tuple[tuple[int, int], ...]:
        """Half-open hours of job j, in order."""
        row = int(self.split_of[j])
        if row < 0:
            return ((int(self.start[j]), int(self.start[j] + self.duration[j])),)
        edge = np.diff(np.concatenate([[0], self.hours_of[row].astype(np.int8), [0]]))
        starts, ends = np.flatnonzero(edge == 1), np.flatnonzero(edge == -1)
        return tuple((int(a), int(b)) for a, b in zip(starts, ends, strict=True))

    def placement(self, j: int) -> Placement:
        kg = float(self.kgco2[j])
        return Placement(
            str(self.job_ids[j]),
            self.pool_ids[int(self.pool_of[j])],
            self.segments(j),
            int(self.price_fen[j]),
            int(self.voucher_fen[j]),
            float(self.kwh[j]),
            None if kg != kg else kg,
        )

    def left_out(self, j: int) -> Unplaced:
        code = REASON_CODES[int(self.reason[j])]
        return Unplaced(str(self.job_ids[j]), code, *REASONS[code])


@dataclass(frozen=True)
class Plan:
    """placements + unplaced cover every job exactly once, in the order of the jobs given.

    Both lists are built from ``columns`` when first read; a plan of a million jobs is better read
    from ``columns``.
    """

    columns: PlanColumns
    certificate: Certificate
    carbon_price_fen_per_kg: float
    hours: int
    seed: int
    effort: str
    timings_seconds: dict[str, float] = field(default_factory=dict)
    fairness: dict[str, Any] = field(default_factory=dict)
    price_of_fairness_fen: float | None = None  # welfare lost to the floors; None = no floors

    @cached_property
    def placements(self) -> list[Placement]:
        placed = np.flatnonzero(self.columns.pool_of >= 0)
        return [self.columns.placement(int(j)) for j in placed]

    @cached_property
    def unplaced(self) -> list[Unplaced]:
        out = np.flatnonzero(self.columns.pool_of < 0)
        return [self.columns.left_out(int(j)) for j in out]
