"""The independent checker: shares no code with the steps that made the plan.

Reads the market's own records (not the encoded arrays), counts units in integers, recomputes money
in integers, carbon and the objective in float64, and the bound from the stored prices over pools
(not cells). For markets of some thousand jobs; the files of larger ones go to docs/verify_plan.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from .market import Job, Market, Pool
from .result import Placement, Plan


@dataclass(frozen=True)
class Violation:
    """code: oversold | window | closed | kind | region | rating | pue | label | price_limit |
    voucher | pot | price | kwh | carbon | objective | bound | coverage"""

    code: str
    job_id: str | None
    pool_id: str | None
    hour: int | None
    text_en: str
    text_zh: str


TEXTS: dict[str, tuple[str, str]] = {
    "oversold": ("more units placed than the pool has free", "资源池被超卖"),
    "window": ("runs outside its time window or not for its duration", "未按时间窗或时长运行"),
    "closed": ("runs while the pool is closed", "在资源池关闭时运行"),
    "kind": ("the pool is of another kind", "加速器类型不符"),
    "region": ("the pool is in another region", "区域不符"),
    "rating": ("the pool's green rating is too low", "绿色评级不足"),
    "pue": ("the pool's PUE is too high", "PUE 超限"),
    "label": ("the pool lacks a residency or latency mark", "驻留或时延要求不符"),
    "price_limit": ("the payer pays more than the limit", "支付金额超过价格上限"),
    "voucher": ("the voucher's part is wrong", "算力券金额有误"),
    "pot": ("a voucher budget is overdrawn", "算力券预算超支"),
    "price": ("the price is wrong", "价格有误"),
    "kwh": ("the energy is wrong", "用电量有误"),
    "carbon": ("the carbon is wrong", "碳排放有误"),
    "objective": ("the objective differs from the sum of weights", "目标值与各作业权重之和不符"),
    "bound": ("the prices do not give the bound claimed", "所给价格不能得出声称的上界"),
    "coverage": ("a job is missing or appears twice", "作业缺失或重复"),
}


def breach(
    code: str, job: str | None = None, pool: str | None = None, hour: int | None = None
) -> Violation:
    return Violation(code, job, pool, hour, *TEXTS[code])


def verify(market: Market, result: Plan) -> list[Violation]:
    """Every breach found, in integers where the rule is in integers; [] means sound."""
    jobs: Sequence[Job] = market.jobs  # type: ignore[assignment]
    if not isinstance(jobs, Sequence):
        jobs = market.jobs.to_jobs()
    hours = result.hours
    found: list[Violation] = []
    names = [p.job_id for p in result.placements] + [u.job_id for u in result.unplaced]
    if sorted(names) != sorted(job.job_id for job in jobs):
        found.append(breach("coverage"))
    by_job = {job.job_id: job for job in jobs}
    row = {pool.pool_id: k for k, pool in enumerate(market.pools)}
    price = np.array([_series(p.price_fen_per_unit_hour, hours) for p in market.pools])
    kg = np.array([_carbon(market, p, hours) for p in market.pools])
    free = np.array([_free(p, hours) for p in market.pools])
    use = np.zeros_like(free)
    spent: dict[str, int] = {}
    objective = 0.0
    for placed in result.placements:
        job, pool = by_job[placed.job_id], market.pools[row[placed.pool_id]]
        mask = np.zeros(hours, np.bool_)
        for start, end in placed.segments:
            if not 0 <= start < end <= hours or mask[start:end].any():
                found.append(breach("window", job.job_id, pool.pool_id, start))
                break
            mask[start:end] = True
        use[row[pool.pool_id], mask] += job.units
        found += _eligible(job, pool, placed, mask)
        found += _money(job, pool, placed, price[row[pool.pool_id]][mask])
        energy = job.units * pool.kw_per_unit * pool.pue
        if abs(placed.kwh - energy * mask.sum()) > 1e-6 * max(1.0, placed.kwh):
            found.append(breach("kwh", job.job_id, pool.pool_id))
        weight_kg = job.units * float(kg[row[pool.pool_id]][mask].sum())
        if (placed.kgco2 is None) != (market.carbon is None) or (
            placed.kgco2 is not None
            and abs(placed.kgco2 - weight_kg) > 1e-6 * max(1.0, placed.kgco2)
        ):
            found.append(breach("carbon", job.job_id, pool.pool_id))
        if job.voucher_pot is not None:
            spent[job.voucher_pot] = spent.get(job.voucher_pot, 0) + placed.voucher_fen
        due = _voucher(job, placed.price_fen)
        value = _value(job, pool, with_voucher=placed.voucher_fen == due)
        objective += job.units * value * int(mask.sum()) - placed.price_fen
        objective -= result.carbon_price_fen_per_kg * weight_kg
    for pool_row, hour in zip(*np.nonzero(use > free), strict=True):
        code = "closed" if free[pool_row, hour] == 0 else "oversold"
        found.append(breach(code, None, market.pools[pool_row].pool_id, int(hour)))
    for pot, fen in spent.items():
        if pot in market.voucher_pots_fen and fen > market.voucher_pots_fen[pot]:
            found.append(breach("pot"))
    claim = result.certificate
    if abs(objective - claim.objective_fen) > 1e-6 * max(1.0, abs(objective)):
        found.append(breach("objective"))
    bound = price_bound(market, result, jobs, price + result.carbon_price_fen_per_kg * kg, free)
    if bound > claim.price_bound_fen * (1 + 1e-6) + 1e-3:
        found.append(breach("bound"))
    if objective > claim.bound_fen * (1 + 1e-9) + 1e-3:
        found.append(breach("bound"))
    return found


def price_bound(
    market: Market,
    result: Plan,
    jobs: Sequence[Job],
    cost: NDArray[np.float64],
    free: NDArray[np.int64],
) -> float:
    """L at the certificate's prices, over pools: at most what the cells gave."""
    claim, hours = result.certificate, result.hours
    scarce = np.maximum(claim.cell_prices[claim.cell_of_pool], cost)
    total = float((free * (scarce - cost)).sum())
    prefix = np.concatenate([np.zeros((len(cost), 1)), np.cumsum(scarce, axis=1)], axis=1)
    asked: dict[str, float] = {}
    for job in jobs:
        asked[job.group] = asked.get(job.group, 0.0) + job.units * job.duration_hours
        best, d = 0.0, job.duration_hours
        last = min(job.deadline_hour, hours) - d
        for k, pool in enumerate(market.pools):
            if _refuses(job, pool) or last < job.earliest_hour:
                continue
            window = slice(job.earliest_hour, last + d)
            open_ = free[k] >= job.units
            if job.interruptible:
                costs = np.sort(scarce[k][window][open_[window]])[:d]
                least = float(costs.sum()) if len(costs) == d else np.inf
            else:
                starts = np.arange(job.earliest_hour, last + 1)
                runs = np.concatenate([[0], np.cumsum(open_)])
                starts = starts[runs[starts + d] - runs[starts] == d]
                gaps = prefix[k, starts + d] - prefix[k, starts]
                least = float(gaps.min()) if len(starts) else np.inf
            bonus = claim.floor_prices.get(job.group, 0.0)
            with_voucher = _value(job, pool, with_voucher=True)
            own = _value(job, pool, with_voucher=False)
            mu = claim.pot_prices.get(job.voucher_pot or "", 0.0)
            if job.voucher_pot in market.voucher_pots_fen and with_voucher > own:
                # what the pot pays here at least, at the cheapest hours of this pool
                paid = min(np.min(pool.price_fen_per_unit_hour), 10**9) * job.units * d
                pays = _voucher(job, int(paid))
                best = max(best, job.units * ((own + bonus) * d - least))
                best = max(best, job.units * ((with_voucher + bonus) * d - least) - mu * pays)
            else:
                best = max(best, job.units * ((with_voucher + bonus) * d - least))
        total += best
    for pot, fen in market.voucher_pots_fen.items():
        total += claim.pot_prices.get(pot, 0.0) * fen
    for group, floor in market.fairness_floors.items():
        total -= claim.floor_prices.get(group, 0.0) * floor * asked.get(group, 0.0)
    return total


def _series(figure: object, hours: int) -> NDArray[np.float64]:
    return np.broadcast_to(np.atleast_1d(np.asarray(figure, dtype=np.float64))[:hours], (hours,))


def _free(pool: Pool, hours: int) -> NDArray[np.int64]:
    free = np.zeros(hours, np.int64)
    for start, end in [(0, hours)] if pool.available is None else pool.available:
        free[start:end] = pool.units
    if pool.occupied is not None:
        free = np.maximum(0, free - np.asarray(pool.occupied[:hours], dtype=np.int64))
    return free


def _carbon(market: Market, pool: Pool, hours: int) -> NDArray[np.float64]:
    if market.carbon is None:
        return np.zeros(hours)
    table = market.carbon.kg_per_kwh
    keys = (pool.region, pool.region[:4] + "00", pool.region[:2] + "0000")
    grid = next(table[k] for k in keys if k in table)
    share = _series(pool.green_share, hours)
    return pool.kw_per_unit * pool.pue * _series(grid, hours) * (1 - share)


def _within(code: str, region: str) -> bool:
    if code == region:
        return True
    if len(code) != 6 or len(region) != 6 or not (code + region).isdigit():
        return False
    stem = code[:2] if code[2:] == "0000" else code[:4] if code[4:] == "00" else code
    return region.startswith(stem)


def _refuses(job: Job, pool: Pool) -> str | None:
    """The first rule by which this pool is not for this job."""
    if job.kinds and pool.kind not in job.kinds:
        return "kind"
    if job.regions and not any(_within(code, pool.region) for code in job.regions):
        return "region"
    if job.min_green_tier and (pool.green_tier is None or pool.green_tier < job.min_green_tier):
        return "rating"
    if job.max_pue is not None and pool.pue > job.max_pue:
        return "pue"
    return None if job.labels <= pool.labels else "label"


def _eligible(job: Job, pool: Pool, placed: Placement, mask: NDArray[np.bool_]) -> list[Violation]:
    found = []
    code = _refuses(job, pool)
    if code:
        found.append(breach(code, job.job_id, pool.pool_id))
    ran = np.flatnonzero(mask)
    whole = job.interruptible or len(placed.segments) == 1
    if (
        len(ran) != job.duration_hours
        or not whole
        or (ran[0] < job.earliest_hour or ran[-1] >= job.deadline_hour)
    ):
        found.append(breach("window", job.job_id, pool.pool_id))
    return found


def _holds(job: Job, pool: Pool) -> bool:
    places = job.voucher_regions
    return job.voucher_rate > 0 and (
        not places or any(_within(code, pool.region) for code in places)
    )


def _rate(job: Job) -> Fraction:
    return Fraction(int(job.voucher_rate * 10_000 + 1e-6), 10_000)


def _voucher(job: Job, price: int) -> int:
    pays = int(price * _rate(job))
    return pays if job.voucher_cap_fen is None else min(pays, job.voucher_cap_fen)


def _value(job: Job, pool: Pool, *, with_voucher: bool) -> float:
    """What payer and voucher together give per unit-hour, fen."""
    limit = job.max_price_fen_per_unit_hour
    if not (with_voucher and _holds(job, pool)):
        return float(limit)
    value = float(limit / (1 - _rate(job)))
    if job.voucher_cap_fen is not None:
        value = min(value, limit + job.voucher_cap_fen / (job.units * job.duration_hours))
    return value


def _money(job: Job, pool: Pool, placed: Placement, prices: NDArray[np.float64]) -> list[Violation]:
    found = []
    gross = job.units * int(prices.sum())
    if placed.price_fen != gross:
        found.append(breach("price", job.job_id, pool.pool_id))
    due = _voucher(job, gross) if _holds(job, pool) else 0
    allowed = {due, 0} if job.voucher_pot is not None else {due}
    if placed.voucher_fen not in allowed:
        found.append(breach("voucher", job.job_id, pool.pool_id))
    limit = job.max_price_fen_per_unit_hour * job.units * job.duration_hours
    if placed.price_fen - placed.voucher_fen > limit:
        found.append(breach("price_limit", job.job_id, pool.pool_id))
    return found
