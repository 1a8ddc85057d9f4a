"""Why this pool and these hours, what else there was, and what would change it.

Everything is recomputed from the market and the plan, so a stored pair tells the same story again.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from .admit import refuse
from .choices import Choice, best_choices, free_after
from .columns import JobColumns
from .market import Job, Market
from .relax import least_relaxation
from .result import REASONS, Placement, Plan

LOST: dict[str, tuple[str, str]] = {
    "capacity": ("its units were held by jobs worth more", "其容量已由价值更高的作业占用"),
    "price": ("it costs more", "价格更高"),
    "carbon": ("with its carbon counted it costs more", "计入碳成本后更贵"),
    "shadow_price": ("others value those hours more", "其他作业对这些时段出价更高"),
    "limit": ("it exceeds what payer and voucher give", "超出付款方与算力券的承受范围"),
}


@dataclass(frozen=True)
class Alternative:
    """A rejected choice. Deltas are against the chosen placement (None when nothing was chosen).

    lost_because   capacity | price | carbon | shadow_price (dearer at the market's scarcity
                   prices) | limit (worth less than it costs)
    """

    pool_id: str
    segments: tuple[tuple[int, int], ...]
    price_fen: int
    voucher_fen: int
    kwh: float
    kgco2: float | None
    cost_fen: float  # price + carbon price x kg
    price_delta_fen: int | None
    kgco2_delta: float | None
    cost_delta_fen: float | None
    lost_because: str
    text_en: str
    text_zh: str


@dataclass(frozen=True)
class Explanation:
    """One job's story.

    bound_by      capacity | price | rating | region | deadline | none: what kept it from a better
                  choice (placed) or kept it out (unplaced)
    would_change  the least relaxation: (field, from, to) and texts; what would place an unplaced
                  job, or what would give a placed one its next better choice
    """

    job_id: str
    chosen: Placement | None
    reason: str | None
    bound_by: str
    rejected: list[Alternative]
    would_change: dict[str, str] | None
    text_en: str
    text_zh: str
    details: dict[str, float] = field(default_factory=dict)


def explain(market: Market, result: Plan, job_id: str) -> Explanation:
    """Replayable from the market and the plan alone; raises MarketError for an unknown job."""
    job, row = _find(market, job_id)
    columns = result.columns
    chosen = columns.placement(row) if columns.pool_of[row] >= 0 else None
    free = free_after(market, result, without=row, units=job.units)
    mine = _cost(chosen, result) if chosen else None
    options = best_choices(market, result, job, None, keep=12)
    fitting = best_choices(market, result, job, free, keep=12)
    seen = {(chosen.pool_id, chosen.segments)} if chosen else set()
    rejected: list[Alternative] = []
    # first what looked better and was taken by others, then what was free and worse
    for choice in sorted([*options, *fitting], key=lambda c: (c.cost_fen, c.pool_id, c.segments)):
        if (choice.pool_id, choice.segments) in seen or len(rejected) == 3:
            continue
        if any(other.pool_id == choice.pool_id for other in rejected):
            continue
        seen.add((choice.pool_id, choice.segments))
        rejected.append(_alternative(choice, chosen, mine, free, market, job))
    bound_by, change = _binding(market, result, job, row, free, mine)
    reason = None if chosen else columns.left_out(row).reason
    en, zh = _story(job, chosen, reason, rejected)
    shadow = 0.0
    if chosen:
        pool = int(columns.pool_of[row])
        cert = result.certificate
        price = cert.cell_prices[cert.cell_of_pool[pool]]
        pool_cost = _hourly_cost(market, result, pool)
        for a, b in chosen.segments:
            shadow += float(np.maximum(0.0, price[a:b] - pool_cost[a:b]).sum()) * job.units
    details = {
        "value_fen": float(columns.weight_fen[row]) + (mine or 0.0),
        "weight_fen": float(columns.weight_fen[row]),
        "shadow_cost_fen": shadow,
        "payer_fen": float(chosen.price_fen - chosen.voucher_fen) if chosen else 0.0,
    }
    return Explanation(job_id, chosen, reason, bound_by, rejected, change, en, zh, details)


def _find(market: Market, job_id: str) -> tuple[Job, int]:
    if isinstance(market.jobs, JobColumns):
        found = np.flatnonzero(np.asarray(market.jobs.job_ids) == job_id)
        if len(found):
            return market.jobs.job(int(found[0])), int(found[0])
    else:
        for row, job in enumerate(market.jobs):
            if job.job_id == job_id:
                return job, row
    refuse("unknown_job", f"no job {job_id!r} in this market", f"市场中没有作业 {job_id!r}", "jobs")


def _cost(placed: Placement, result: Plan) -> float:
    return placed.price_fen + result.carbon_price_fen_per_kg * (placed.kgco2 or 0.0)


def _hourly_cost(market: Market, result: Plan, pool: int) -> NDArray[np.float64]:
    from .choices import hourly

    price, kg = hourly(market, market.pools[pool], result.hours)
    return price + result.carbon_price_fen_per_kg * kg


def _alternative(
    choice: Choice,
    chosen: Placement | None,
    mine: float | None,
    free: NDArray[np.int64],
    market: Market,
    job: Job,
) -> Alternative:
    blocked = any((free[choice.pool, a:b] < job.units).any() for a, b in choice.segments)
    if choice.weight_fen <= 0:
        why = "limit"
    elif blocked:
        why = "capacity"
    elif mine is None or choice.cost_fen < mine - 1e-6:
        why = "shadow_price"
    elif chosen and choice.price_fen <= chosen.price_fen:
        why = "carbon"
    else:
        why = "price"
    return Alternative(
        choice.pool_id, choice.segments, choice.price_fen, choice.voucher_fen, choice.kwh,
        choice.kgco2, choice.cost_fen,
        None if chosen is None else choice.price_fen - chosen.price_fen,
        None if chosen is None or choice.kgco2 is None or chosen.kgco2 is None
        else choice.kgco2 - chosen.kgco2,
        None if mine is None else choice.cost_fen - mine,
        why, *LOST[why],
    )  # fmt: skip


def _binding(
    market: Market,
    result: Plan,
    job: Job,
    row: int,
    free: NDArray[np.int64],
    mine: float | None,
) -> tuple[str, dict[str, str] | None]:
    """Which rule, taken away alone, would help (most), and the least step that does."""
    if mine is None:
        change = least_relaxation(market, result, job, free)
        reason = result.columns.left_out(row).reason
        named = {
            "rating": "rating", "region": "region", "kind": "kind", "price": "price",
            "carbon": "price", "pot": "price", "horizon": "deadline", "window": "deadline",
        }.get(reason, "capacity")  # fmt: skip
        return named, change
    now = float(result.columns.weight_fen[row])
    without: list[tuple[str, Job, NDArray[np.int64] | None]] = [
        ("capacity", job, None),
        ("rating", replace(job, min_green_tier=None), free),
        ("region", replace(job, regions=frozenset()), free),
        ("deadline", replace(job, deadline_hour=result.hours), free),
    ]
    best, named, found = now + 0.5, "none", None
    for name, relaxed, room in without:
        choices = best_choices(market, result, relaxed, room, keep=1)
        if choices and choices[0].weight_fen > best:
            best, named, found = choices[0].weight_fen, name, choices[0]
    if found is None:
        return "none", None
    gain = best - now
    return named, {
        "field": named,
        "to": f"{found.pool_id} {found.segments[0][0]}-{found.segments[-1][1]}",
        "gain_fen": f"{gain:.0f}",
        "text_en": f"without the {named} limit it would be worth {gain:.0f} fen more in "
        f"{found.pool_id}",
        "text_zh": f"若无该项限制（{named}），放在 {found.pool_id} 可多得 {gain:.0f} 分",
    }


def _story(
    job: Job, chosen: Placement | None, reason: str | None, rejected: list[Alternative]
) -> tuple[str, str]:
    if chosen is None:
        en, zh = REASONS[reason or "capacity"]
        return f"{job.job_id} was not placed: {en}.", f"{job.job_id} 未能安排：{zh}。"
    spans = ", ".join(f"{a}-{b}" for a, b in chosen.segments)
    pays = chosen.price_fen - chosen.voucher_fen
    kg = "unknown" if chosen.kgco2 is None else f"{chosen.kgco2:.1f}"
    kg_zh = "未知" if chosen.kgco2 is None else f"{chosen.kgco2:.1f}"
    en = (
        f"{job.job_id} runs in {chosen.pool_id}, hours {spans}: {chosen.price_fen} fen, of which "
        f"the voucher pays {chosen.voucher_fen} and the payer {pays}; {chosen.kwh:.1f} kWh, "
        f"{kg} kg CO2."
    )
    zh = (
        f"{job.job_id} 在 {chosen.pool_id} 的第 {spans} 小时运行：共 {chosen.price_fen} 分，"
        f"其中算力券 {chosen.voucher_fen} 分、付款方 {pays} 分；{chosen.kwh:.1f} 千瓦时，"
        f"{kg_zh} 千克二氧化碳。"
    )
    if rejected:
        en += f" Next best: {rejected[0].pool_id}, which lost because {rejected[0].text_en}."
        zh += f" 次优：{rejected[0].pool_id}，原因：{rejected[0].text_zh}。"
    return en, zh


__all__ = ["Alternative", "Explanation", "explain"]
