"""When power turns green elsewhere or later: which interruptible jobs should suspend and resume."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .choices import best_choices, free_after, hourly, terms
from .columns import RATE_SCALE, JobColumns
from .market import Job, Market
from .result import Placement, Plan


@dataclass(frozen=True)
class Migration:
    """Suggestion for one running interruptible job; ``after`` replaces what of ``before`` has not
    run by ``at_hour``. Savings are against ``before`` and positive in sum."""

    job_id: str
    at_hour: int
    before: Placement  # what is left of the present placement
    after: Placement
    kgco2_saved: float
    price_saved_fen: int
    text_en: str
    text_zh: str


def suggest_migrations(
    market: Market, result: Plan, *, at_hour: int, move_cost_fen: int = 0
) -> list[Migration]:
    """Suggestions hold together, in the order given, on the plan's free capacity.

    ``market`` may carry newer prices, carbon and calendars than the plan was made with. A move must
    save more than ``move_cost_fen`` (state transfer, restart) in price + carbon price x kg. A job
    that has not started by ``at_hour`` may move too: that is just a better start.
    """
    free = free_after(market, result)
    columns, found = result.columns, []
    for j in np.flatnonzero((columns.pool_of >= 0) & (columns.split_of >= 0)):
        job = (
            market.jobs.job(int(j)) if isinstance(market.jobs, JobColumns) else market.jobs[int(j)]
        )
        pool = int(columns.pool_of[j])
        mask = columns.hours_of[columns.split_of[j]].copy()
        mask[:at_hour] = False
        rest = int(mask.sum())
        if rest == 0:
            continue
        before = _rest_of(market, result, job, pool, mask)
        free[pool, mask] += job.units
        share = rest / job.duration_hours
        cap = job.voucher_cap_fen
        part = replace(
            job,
            duration_hours=rest,
            earliest_hour=max(at_hour, job.earliest_hour),
            voucher_cap_fen=None if cap is None else int(cap * share),
        )
        best = best_choices(market, result, part, free, keep=1)
        old = before.price_fen + result.carbon_price_fen_per_kg * (before.kgco2 or 0.0)
        if not best or old - best[0].cost_fen <= move_cost_fen + 1e-6:
            free[pool, mask] -= job.units
            continue
        choice = best[0]
        for a, b in choice.segments:
            free[choice.pool, a:b] -= job.units
        after = Placement(
            job.job_id, choice.pool_id, choice.segments, choice.price_fen, choice.voucher_fen,
            choice.kwh, choice.kgco2,
        )  # fmt: skip
        kg = (before.kgco2 or 0.0) - (after.kgco2 or 0.0)
        fen = before.price_fen - after.price_fen
        found.append(
            Migration(
                job.job_id, at_hour, before, after, kg, fen,
                f"suspend {job.job_id} in {before.pool_id}, resume in {after.pool_id} at hour "
                f"{after.segments[0][0]}: {kg:.1f} kg CO2 and {fen} fen less",
                f"将 {job.job_id} 从 {before.pool_id} 挂起，于第 {after.segments[0][0]} 小时在 "
                f"{after.pool_id} 恢复：减少 {kg:.1f} 千克二氧化碳、{fen} 分",
            )
        )  # fmt: skip
    return found


def _rest_of(market: Market, result: Plan, job: Job, pool: int, mask: np.ndarray) -> Placement:
    """The part of the present placement still to run, at the market's present figures."""
    price, kg = hourly(market, market.pools[pool], result.hours)
    edge = np.diff(np.concatenate([[0], mask.astype(np.int8), [0]]))
    pairs = zip(np.flatnonzero(edge == 1), np.flatnonzero(edge == -1), strict=True)
    gross = job.units * int(price[mask].sum())
    place = market.pools[pool]
    _, rate, cap = terms(job, place)
    pays = gross * rate // RATE_SCALE
    pays = pays if cap < 0 else min(pays, int(cap * int(mask.sum()) / job.duration_hours))
    return Placement(
        job.job_id,
        place.pool_id,
        tuple((int(a), int(b)) for a, b in pairs),
        gross,
        pays,
        float(job.units * place.kw_per_unit * place.pue * mask.sum()),
        None if market.carbon is None else job.units * float(kg[mask].sum()),
    )
