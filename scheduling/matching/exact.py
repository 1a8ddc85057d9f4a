"""Small markets exactly: HiGHS on the columns that can still matter.

Reduced-cost fixing: with bound L(p) and a plan of value W in hand, a column (job, pool, start)
whose surplus at the prices lies more than L - W below the job's best is in no better plan. What
is left is a small integer programme. First the plan is bettered part by part, which also shortens
the list. Work is limited by nodes, not by the clock, so that the same market gives the same plan;
a run that hits the safety clock is thrown away.
"""

from __future__ import annotations

import numpy as np

from .encode import Instance
from .integer_programme import build, column_of, columns_at, moved, solve_from
from .reoptimize import MOST_COLUMNS, reoptimize
from .solve import Solution

EXACT_JOBS = 2000


def solve_exactly(inst: Instance, found: Solution) -> tuple[Solution, float] | None:
    """(plan at least as good, upper bound) or None where this does not apply: interruptible jobs,
    voucher pots, fairness floors, or too many columns left."""
    if inst.interruptible.any() or (inst.pot >= 0).any() or (inst.floors > 0).any():
        return None
    columns = columns_at(inst, found, max(0.0, found.bound - found.objective))
    if columns is None or not len(columns["job"]):
        return None
    large = len(columns["job"]) > MOST_COLUMNS  # else the whole is no more than one part
    better = reoptimize(inst, columns, found) if large else found
    if better is None:
        return None
    if better.objective > found.objective:
        found = better
        columns = columns_at(inst, found, max(0.0, found.bound - found.objective))
        if columns is None or not len(columns["job"]):
            return found, found.bound
    everyone = np.arange(inst.n)
    model = build(inst, columns, integer=True)
    taken = solve_from(model, column_of(inst, columns, found, everyone), len(columns["job"]))
    if taken is None:
        return None
    # Columns fixed out can only be in plans no better than the one in hand.
    bound = max(float(model.getInfo().mip_dual_bound), found.objective)
    last = moved(inst, found, columns, everyone, taken)
    return (found if last is None or last.objective <= found.objective else last), bound
