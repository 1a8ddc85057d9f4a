"""A market as an integer programme: one column for a job in a pool from a start, for HiGHS."""

from __future__ import annotations

from dataclasses import replace

import highspy
import numpy as np

from .encode import Instance
from .solve import Solution

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


def build(
    inst: Instance,
    columns: dict[str, np.ndarray],
    *,
    integer: bool,
    free: np.ndarray | None = None,
    nodes: int = MAX_NODES,
) -> highspy.Highs:
    """max sum w x; one column per job at most; units within what is free per pool and hour
    (``free`` [P, T], else the market's)."""
    free = inst.free if free is None else free
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
                upper.append(float(free[pool[k], hour]))
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
        "mip_max_nodes": nodes, "time_limit": SAFETY_SECONDS,
    }.items():  # fmt: skip
        model.setOptionValue(option, setting)
    model.passModel(lp)
    return model


def column_of(
    inst: Instance, columns: dict[str, np.ndarray], found: Solution, rows: np.ndarray
) -> np.ndarray:
    """Columns, as positions, that ``found`` takes for the jobs ``rows``."""
    span = inst.hours + 1
    pools = len(inst.pool_ids)
    keys = (columns["job"].astype(np.int64) * pools + columns["pool"]) * span + columns["start"]
    on = rows[found.pool_of[rows] >= 0].astype(np.int64)
    held = (on * pools + found.pool_of[on]) * span + found.start_of[on]
    return np.flatnonzero(np.isin(keys, held))


def solve_from(model: highspy.Highs, taken: np.ndarray, count: int) -> np.ndarray | None:
    """Run from a plan in hand; the columns of the plan found, None when the clock stopped it."""
    hint = np.zeros(count)
    hint[taken] = 1.0
    guess = highspy.HighsSolution()
    guess.col_value = list(hint)
    model.setSolution(guess)
    model.run()
    if model.getModelStatus() == highspy.HighsModelStatus.kTimeLimit:
        return None
    if model.getInfo().primal_solution_status != 2:
        return taken
    return np.flatnonzero(np.asarray(model.getSolution().col_value) > 0.5)


def moved(
    inst: Instance,
    found: Solution,
    columns: dict[str, np.ndarray],
    rows: np.ndarray,
    taken: np.ndarray,
) -> Solution | None:
    """``found`` with the jobs ``rows`` where ``taken`` puts them; None when that oversells."""
    pool_of, start_of, free = found.pool_of.copy(), found.start_of.copy(), found.free.copy()
    for j in rows[pool_of[rows] >= 0]:
        free[pool_of[j], start_of[j] : start_of[j] + inst.duration[j]] += inst.units[j]
    pool_of[rows] = -1
    jobs = columns["job"][taken]
    pool_of[jobs], start_of[jobs] = columns["pool"][taken], columns["start"][taken]
    for j in jobs:
        free[pool_of[j], start_of[j] : start_of[j] + inst.duration[j]] -= inst.units[j]
    if (free < 0).any():
        return None
    gained = weight_of(inst, pool_of, start_of) - weight_of(inst, found.pool_of, found.start_of)
    return replace(
        found, pool_of=pool_of, start_of=start_of, free=free, objective=found.objective + gained
    )


def weight_of(inst: Instance, pool_of: np.ndarray, start_of: np.ndarray) -> float:
    """Welfare of unbroken placements, fen."""
    on = np.flatnonzero(pool_of >= 0)
    true = np.concatenate([np.zeros((len(inst.cost), 1)), np.cumsum(inst.cost, axis=1)], axis=1)
    pool, start, d = pool_of[on], start_of[on], inst.duration[on]
    sets = inst.site_sets[np.maximum(inst.voucher_set[on], 0), inst.site[pool]]
    value = np.where((inst.voucher_set[on] >= 0) & sets, inst.value_voucher[on], inst.value[on])
    return float((inst.units[on] * (value * d - (true[pool, start + d] - true[pool, start]))).sum())
