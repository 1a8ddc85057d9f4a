"""Small markets exactly: HiGHS on the columns that can still matter.

Reduced-cost fixing: with bound L(p) and a plan of value W in hand, a column (job, pool, start)
whose surplus at the prices lies more than L - W below the job's best is in no better plan. What
is left is a small integer programme. Work is limited by nodes, not by the clock, so that the same
market gives the same plan; a run that hits the safety clock is thrown away.
"""

from __future__ import annotations

from dataclasses import replace

import highspy
import numpy as np

from .encode import Instance
from .solve import Solution

EXACT_JOBS = 2000
MAX_COLUMNS = 120_000
MAX_NODES = 300
SAFETY_SECONDS = 120.0


def columns_at(inst: Instance, found: Solution, slack: float) -> dict[str, np.ndarray] | None:
    """Columns with reduced cost <= slack: job, pool, start, weight. None when too many."""
    prices = np.maximum(found.prices[found.cell_of_pool], inst.cost)
    zero = np.zeros((len(inst.pool_ids), 1))
    scarce = np.concatenate([zero, np.cumsum(prices, axis=1)], axis=1)
    true = np.concatenate([zero, np.cumsum(inst.cost, axis=1)], axis=1)
    rows: list[tuple[np.ndarray, ...]] = []
    total = 0
    for j in range(inst.n):
        first, last, d, u = (
            int(x[j]) for x in (inst.earliest, inst.latest, inst.duration, inst.units)
        )
        if last < first:
            continue
        able = (
            inst.kind_sets[inst.kind_set[j]][inst.kind]
            & inst.site_sets[inst.site_set[j]][inst.site]
            & (inst.tier >= inst.tier_min[j])
        )
        pools = np.flatnonzero(able)
        if not len(pools):
            continue
        starts = np.arange(first, last + 1)
        open_ = np.zeros((len(pools), inst.hours + 1), np.int64)
        np.cumsum(inst.free[pools] >= u, axis=1, out=open_[:, 1:])
        fits = open_[:, starts + d] - open_[:, starts] == d
        in_voucher = (
            inst.site_sets[inst.voucher_set[j]][inst.site[pools]]
            if inst.voucher_set[j] >= 0
            else np.zeros(len(pools), np.bool_)
        )
        value = np.where(in_voucher, inst.value_voucher[j], inst.value[j])[:, None] * d
        surplus = u * (value - (scarce[pools][:, starts + d] - scarce[pools][:, starts]))
        weight = u * (value - (true[pools][:, starts + d] - true[pools][:, starts]))
        # columns against the job's own best, or against staying out (0)
        best = max(0.0, float(surplus[fits].max(initial=0.0)))
        keep = fits & (weight > 1e-9) & (surplus >= best - slack - 1e-6)
        p, s = np.nonzero(keep)
        total += len(p)
        if total > MAX_COLUMNS:
            return None
        rows.append((np.full(len(p), j), pools[p], starts[s], weight[p, s]))
    if not rows:
        return None
    job, pool, start, weight_ = (np.concatenate(x) for x in zip(*rows, strict=True))
    return {"job": job, "pool": pool, "start": start, "weight": weight_}


def build(inst: Instance, columns: dict[str, np.ndarray], *, integer: bool) -> highspy.Highs:
    """max sum w x; one column per job at most; units within what is free per pool and hour."""
    job, pool, start = columns["job"], columns["pool"], columns["start"]
    count = len(job)
    duration = inst.duration[job]
    lengths = duration.astype(np.int64) + 1
    offset = np.concatenate([[0], np.cumsum(lengths)])
    index = np.empty(offset[-1], np.int64)
    value = np.empty(offset[-1])
    ids: dict[int, int] = {}
    upper: list[float] = []
    _, job_row = np.unique(job, return_inverse=True)
    n_jobs = int(job_row.max()) + 1
    for k in range(count):
        at = offset[k]
        index[at] = job_row[k]
        value[at] = 1.0
        for i in range(int(duration[k])):
            hour = int(start[k]) + i
            key = int(pool[k]) * inst.hours + hour
            if key not in ids:
                ids[key] = n_jobs + len(ids)
                upper.append(float(inst.free[pool[k], hour]))
            index[at + 1 + i] = ids[key]
            value[at + 1 + i] = float(inst.units[job[k]])
    lp = highspy.HighsLp()
    lp.num_col_ = count
    lp.num_row_ = n_jobs + len(ids)
    lp.col_cost_ = columns["weight"]
    lp.col_lower_ = np.zeros(count)
    lp.col_upper_ = np.ones(count)
    lp.row_lower_ = np.full(lp.num_row_, -highspy.kHighsInf)
    lp.row_upper_ = np.concatenate([np.ones(n_jobs), upper])
    lp.sense_ = highspy.ObjSense.kMaximize
    lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    lp.a_matrix_.start_ = offset
    lp.a_matrix_.index_ = index
    lp.a_matrix_.value_ = value
    if integer:
        lp.integrality_ = [highspy.HighsVarType.kInteger] * count
    model = highspy.Highs()
    for option, setting in {
        "output_flag": False, "threads": 1, "random_seed": 0, "mip_rel_gap": 1e-6,
        "mip_max_nodes": MAX_NODES, "time_limit": SAFETY_SECONDS,
    }.items():  # fmt: skip
        model.setOptionValue(option, setting)
    model.passModel(lp)
    return model


def solve_exactly(inst: Instance, found: Solution) -> tuple[Solution, float] | None:
    """(plan at least as good, upper bound) or None where this does not apply: interruptible jobs,
    voucher pots, fairness floors, or too many columns left."""
    if inst.interruptible.any() or (inst.pot >= 0).any() or (inst.floors > 0).any():
        return None
    columns = columns_at(inst, found, max(0.0, found.bound - found.objective))
    if columns is None or not len(columns["job"]):
        return None
    model = build(inst, columns, integer=True)
    key = {
        (int(j), int(p), int(s)): k
        for k, (j, p, s) in enumerate(
            zip(columns["job"], columns["pool"], columns["start"], strict=True)
        )
    }
    hint = np.zeros(len(columns["job"]))
    for j in np.flatnonzero(found.pool_of >= 0):
        k = key.get((int(j), int(found.pool_of[j]), int(found.start_of[j])))
        if k is not None:
            hint[k] = 1.0
    guess = highspy.HighsSolution()
    guess.col_value = list(hint)
    model.setSolution(guess)
    model.run()
    if model.getModelStatus() == highspy.HighsModelStatus.kTimeLimit:
        return None
    info = model.getInfo()
    # Columns fixed out can only be in plans no better than the one in hand.
    bound = max(float(info.mip_dual_bound), found.objective)
    if info.primal_solution_status != 2 or info.objective_function_value <= found.objective:
        return found, bound
    taken = np.asarray(model.getSolution().col_value) > 0.5
    pool_of = np.full(inst.n, -1, np.int32)
    start_of = np.zeros(inst.n, np.int32)
    pool_of[columns["job"][taken]] = columns["pool"][taken]
    start_of[columns["job"][taken]] = columns["start"][taken]
    free = inst.free.copy()
    for j in np.flatnonzero(pool_of >= 0):
        free[pool_of[j], start_of[j] : start_of[j] + inst.duration[j]] -= inst.units[j]
    if (free < 0).any():
        return found, bound
    objective = float(info.objective_function_value)
    return replace(found, pool_of=pool_of, start_of=start_of, free=free, objective=objective), bound
