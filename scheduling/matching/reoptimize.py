"""Reoptimize: a few pools for some hours at a time, exactly, the rest of the plan standing still.

A large neighbourhood search whose neighbourhoods are small integer programmes: jobs placed in the
chosen pools and hours, and those left out, are dealt anew among the chosen pools. It looks where
the certificate says the gap is: scarce hours that stand empty, and jobs that are worth less than
their best place at the prices. Rounds and nodes are counted, not timed: the same market, the same
plan.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .encode import Instance
from .integer_programme import build, column_of, moved, solve_from
from .solve import Solution

ROUNDS = 40
POOLS = 6  # dealt anew in one round, out of those that share jobs with the first
SPANS = (36, 60, 84)  # hours, in turn
TIRED = 0.4  # how much of a neighbourhood's loss still counts once it was tried
MOST_COLUMNS = 8_000
NODES = 30


def reoptimize(
    inst: Instance, columns: dict[str, np.ndarray], found: Solution, *, rounds: int = ROUNDS
) -> Solution | None:
    """A plan at least as good as ``found``; None when a part took longer than the safety clock."""
    pools = len(inst.pool_ids)
    job, pool, start = columns["job"], columns["pool"], columns["start"]
    end = start + inst.duration[job]
    shared = np.zeros((pools, inst.n), np.float32)
    shared[pool, job] = 1.0
    near = shared @ shared.T
    fresh = np.ones((pools, inst.hours))
    for turn in range(rounds):
        loss = loss_by_hour(inst, columns, found) * fresh
        span = min(SPANS[turn % len(SPANS)], inst.hours)
        sums = np.pad(np.cumsum(loss, axis=1), ((0, 0), (1, 0)))
        windows = sums[:, span:] - sums[:, :-span]
        first, begin = (int(x) for x in np.unravel_index(np.argmax(windows), windows.shape))
        if windows[first, begin] <= 1e-9 * max(1.0, found.bound):
            break
        kin = np.where(near[first] > 0, windows[:, begin] + 1e-9, -1.0)
        kin[first] = np.inf
        mine = np.zeros(pools, np.bool_)
        mine[np.argsort(-kin, kind="stable")[:POOLS]] = True
        fresh[mine, begin : begin + span] *= TIRED
        ends = found.start_of + inst.duration
        placed = found.pool_of >= 0
        loose = ~placed | (mine[found.pool_of] & (found.start_of < begin + span) & (ends > begin))
        keep = np.flatnonzero(mine[pool] & (start < begin + span) & (end > begin) & loose[job])
        part = {name: figures[keep] for name, figures in columns.items()}
        rows = np.unique(part["job"])
        held = column_of(inst, part, found, rows)
        # a job whose own place is no column of the part stays where it is
        rows = rows[np.isin(rows, part["job"][held]) | ~placed[rows]]
        chosen = np.isin(part["job"], rows)
        if not 0 < int(chosen.sum()) <= MOST_COLUMNS:
            continue
        part = {name: figures[chosen] for name, figures in part.items()}
        held = column_of(inst, part, found, rows)
        free = found.free.copy()
        for j in rows[placed[rows]]:
            free[found.pool_of[j], found.start_of[j] : ends[j]] += inst.units[j]
        model = build(inst, part, integer=True, free=free, nodes=NODES)
        taken = solve_from(model, held, len(part["job"]))
        if taken is None:
            return None
        better = moved(inst, found, part, rows, taken)
        if better is not None and better.objective > found.objective + 1e-6:
            found = better
    return found


def loss_by_hour(
    inst: Instance, columns: dict[str, np.ndarray], found: Solution
) -> NDArray[np.float64]:
    """[P, T] fen: where the gap comes from. Scarcity price x free units, and what each job is worth
    less than its best column at the prices, spread over the hours of that column."""
    scarce = np.maximum(found.prices[found.cell_of_pool] - inst.cost, 0.0)
    paid = np.pad(np.cumsum(scarce, axis=1), ((0, 0), (1, 0)))
    job, pool, start = columns["job"], columns["pool"], columns["start"]
    end = start + inst.duration[job]
    surplus = columns["weight"] - inst.units[job] * (paid[pool, end] - paid[pool, start])
    best = np.zeros(inst.n)
    np.maximum.at(best, job, surplus)
    now = np.zeros(inst.n)
    held = column_of(inst, columns, found, np.arange(inst.n))
    now[job[held]] = surplus[held]
    where = np.full(inst.n, -1)
    top = surplus >= best[job] - 1e-9
    where[job[top]] = np.flatnonzero(top)
    short = np.maximum(best - now, 0.0) / inst.duration
    wanted = np.flatnonzero((where >= 0) & (short > 0))
    at = where[wanted]
    change = np.zeros((len(inst.pool_ids), inst.hours + 1))
    np.add.at(change, (pool[at], start[at]), short[wanted])
    np.add.at(change, (pool[at], end[at]), -short[wanted])
    return np.asarray(scarce * found.free + np.cumsum(change, axis=1)[:, :-1])
