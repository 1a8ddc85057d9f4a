"""The least relaxation that would place a job left out, on what the plan leaves free.

Each rule is loosened alone, in steps: deadline one hour at a time, price limit to exactly what the
best free place costs, rating one tier at a time. The first that helps is named: time, then money,
then rating, then PUE, then place, then kind, then fewer units.
"""

from __future__ import annotations

from dataclasses import replace
from math import ceil

import numpy as np
from numpy.typing import NDArray

from .choices import Choice, best_choices, terms
from .market import Job, Market
from .result import Plan


def least_relaxation(
    market: Market, result: Plan, job: Job, free: NDArray[np.int64]
) -> dict[str, str] | None:
    """field, from, to, pool, texts; None when no single loosening helps."""

    def place(relaxed: Job) -> Choice | None:
        found = best_choices(market, result, relaxed, free, keep=1)
        return found[0] if found and found[0].weight_fen > 0 else None

    for deadline in range(job.deadline_hour + 1, result.hours + 1):
        choice = place(replace(job, deadline_hour=deadline))
        if choice:
            return _say("deadline_hour", job.deadline_hour, deadline, choice)
    cheapest = best_choices(market, result, job, free, keep=3)
    if cheapest:
        limit, choice = min(((_limit(market, job, c), c) for c in cheapest), key=lambda x: x[0])
        return _say("max_price_fen_per_unit_hour", job.max_price_fen_per_unit_hour, limit, choice)
    if job.min_green_tier:
        for tier in range(job.min_green_tier - 1, -1, -1):
            choice = place(replace(job, min_green_tier=tier or None))
            if choice:
                return _say("min_green_tier", job.min_green_tier, tier, choice)
    loosened = {
        "max_pue": replace(job, max_pue=None),
        "regions": replace(job, regions=frozenset()),
        "kinds": replace(job, kinds=frozenset()),
        "labels": replace(job, labels=frozenset()),
    }
    for field, loose in loosened.items():
        if getattr(job, field) and (choice := place(loose)):
            where = market.pools[choice.pool]
            to = {"max_pue": where.pue, "regions": where.region, "kinds": where.kind}
            return _say(field, _text(getattr(job, field)), to.get(field, "-"), choice)
    for units in range(job.units - 1, 0, -1):
        choice = place(replace(job, units=units))
        if choice:
            return _say("units", job.units, units, choice)
    return None


def _limit(market: Market, job: Job, choice: Choice) -> int:
    """Whole fen per unit-hour at which this choice is worth more than it costs."""
    need = choice.cost_fen / (job.units * job.duration_hours)
    _, rate, cap = terms(job, market.pools[choice.pool])
    own = need * (1 - rate / 10_000)
    if cap >= 0:
        own = max(own, need - cap / (job.units * job.duration_hours))
    return max(job.max_price_fen_per_unit_hour + 1, ceil(own + 1e-9))


def _text(value: object) -> str:
    return "|".join(sorted(value)) if isinstance(value, frozenset) else str(value)


def _say(field: str, old: object, new: object, choice: Choice) -> dict[str, str]:
    return {
        "field": field,
        "from": str(old),
        "to": str(new),
        "pool_id": choice.pool_id,
        "text_en": f"{field} {new} instead of {old} would place it in {choice.pool_id}",
        "text_zh": f"若 {field} 由 {old} 改为 {new}，可安排在 {choice.pool_id}",
    }
