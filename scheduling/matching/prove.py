"""Step 4, prove: the objective in float64 and the upper bound the prices give.

    L(p) = sum capacity x max(0, p - cost) + sum_j max(0, best value - price of its hours at p)
         + sum pots x mu - sum floors x nu

holds for any prices (weak duality): cells stand for at least the pools a job may use, and within a
cell p <= max(p, cost). Table prices are float32; each job's price is taken 2^-22 lower, so that
rounding can only raise the bound.
"""

from __future__ import annotations

import numpy as np

from .compile import kernel
from .price import _least, scan_cells
from .search import least_hours

BLOCK_OF_JOBS = 16384  # partial sums per so many jobs: the same total whatever the threads


@kernel
def bound_blocks(  # type: ignore[no-untyped-def]
    lo, hi, wants, where, table, prefix, block, cell, surplus, sums
):
    """sums[b] = upper bound on the surplus of the jobs of block b, from ``respond`` at the same
    prices; interruptible jobs are priced here by their cheapest single hours. A job not wanted at
    float32 prices is looked up once more, with the rounding on its side."""
    hours = prefix.shape[1] - 1
    chosen = np.zeros(hours, np.bool_)
    anything = np.empty((0, 0), np.int32)
    for b in range(lo, hi):
        total = 0.0
        for j in range(b * BLOCK_OF_JOBS, min(len(wants.units), (b + 1) * BLOCK_OF_JOBS)):
            first = wants.first[j]
            last = wants.last[j]
            if last < first:
                continue
            d = wants.duration[j]
            units = wants.units[j]
            best = 0.0
            for way in range(2):
                combo = wants.combo_a[j] if way == 0 else wants.combo_b[j]
                if combo < 0:
                    continue
                value = wants.value_a[j] if way == 0 else wants.value_b[j]
                gross = units * (value + wants.bonus[j]) * d
                if way == 1:
                    gross -= wants.penalty_b[j]
                if wants.split[j] >= 0:
                    for i in range(where.combo_ptr[combo], where.combo_ptr[combo + 1]):
                        c = where.combo_cells[i]
                        if where.cell_tier[c] < wants.tier[j] or where.cell_size[c] < wants.size[j]:
                            continue
                        cost = least_hours(
                            prefix, c, anything, 0, d, first, last + d, block, chosen
                        )
                        best = max(best, gross - units * cost)
                    continue
                if cell[j] >= 0:
                    best = max(best, surplus[j] + (gross - surplus[j]) * 2.4e-7)
                    continue
                row = wants.row_a[j] if way == 0 else wants.row_b[j]
                if row >= 0:
                    least = np.float64(_least(table[row, first : last + 1]))
                    if least < block:
                        best = max(best, gross - units * least * (1 - 2.4e-7))
                else:
                    cost, c, _ = scan_cells(
                        prefix, where, combo, wants.tier[j], wants.size[j], d, first, last
                    )
                    if c >= 0 and cost < block:
                        best = max(best, gross - units * cost)
            total += best
        sums[b] = total


@kernel
def weights(wants, live, pool_of, start_of, way_of, out):  # type: ignore[no-untyped-def]
    """out[j] = units x (value x duration - cost of its hours), fen; 0 when not placed."""
    for j in range(len(pool_of)):
        out[j] = 0.0
        pool = pool_of[j]
        if pool < 0:
            continue
        cost = 0.0
        row = wants.split[j]
        if row >= 0:
            for t in range(live.free.shape[1]):
                if live.hours_of[row, t]:
                    cost += live.true[pool, t + 1] - live.true[pool, t]
        else:
            cost = live.true[pool, start_of[j] + wants.duration[j]] - live.true[pool, start_of[j]]
        value = wants.value_a[j] if way_of[j] == 0 else wants.value_b[j]
        out[j] = wants.units[j] * (value * wants.duration[j] - cost)
