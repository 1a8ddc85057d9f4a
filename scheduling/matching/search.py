"""The best free place of one job: cells in order of their bound, pools by exact cost.

Two measures use the same code. At *scarcity prices* (place) a pool-hour costs
max(cost, cell price); at *true cost* (improve, incremental) it costs price + carbon. Both come as
prefix sums [., T + 1]; the cell's prefix is a lower bound on its pools', so a cell whose bound
cannot beat the best found is never opened.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .compile import kernel
from .price import _least_run


class Measure(NamedTuple):
    """cell[C, T + 1] <= pool[P, T + 1]: prefix sums, fen per unit; closed hours cost ``block``.
    least[C]: the cell's cheapest hour."""

    cell: NDArray[np.float64]
    pool: NDArray[np.float64]
    block: float
    least: NDArray[np.float64]


def measure_of(cell: NDArray[np.float64], pool: NDArray[np.float64], block: float) -> Measure:
    """From prefix sums."""
    return Measure(cell, pool, block, np.diff(cell, axis=1).min(axis=1))


class Live(NamedTuple):
    """What placing changes or must respect. N rows in table order.

    free[P, T] units; true[P, T + 1] prefix of cost; paid[P, T + 1] prefix of price (int fen);
    pot[N] index or -1, rate[N], cap[N] of the voucher, left[pots] fen;
    hours_of[interruptible, T] the hours chosen for interruptible jobs.
    """

    free: NDArray[np.int32]
    true: NDArray[np.float64]
    paid: NDArray[np.int64]
    pot: NDArray[np.int32]
    rate: NDArray[np.int64]
    cap: NDArray[np.int64]
    left: NDArray[np.int64]
    hours_of: NDArray[np.bool_]


@kernel
def least_hours(prefix, row, free, units, d, first, end, block, chosen):  # type: ignore[no-untyped-def]
    """Cheapest d single hours in [first, end) with ``units`` free (free of shape [0, 0]: any);
    marks them in chosen[T]. Returns their cost, 1e30 when there are too few. Ties: earliest."""
    count = 0
    spare = np.empty(end - first, np.float64)
    hour = np.empty(end - first, np.int64)
    for t in range(first, end):
        cost = prefix[row, t + 1] - prefix[row, t]
        if cost < block * 0.999 and (free.shape[0] == 0 or free[row, t] >= units):
            spare[count] = (
                np.rint(cost * 1e6) * 1e-6
            )  # sums differ in the last digits: no false order
            hour[count] = t
            count += 1
    chosen[:] = False
    if count < d:
        return 1e30
    rank = np.argsort(spare[:count], kind="mergesort")
    total = 0.0
    for k in range(d):
        total += spare[rank[k]]
        chosen[hour[rank[k]]] = True
    return total


@kernel
def least_stretch(prefix, row, free, units, d, first, last):  # type: ignore[no-untyped-def]
    """Cheapest unbroken d hours with ``units`` free: (cost, start), 1e30 when there are none."""
    best = 1e30
    begin = first
    run = 0
    for t in range(first, last + d):
        run = run + 1 if free[row, t] >= units else 0
        if run >= d:
            cost = prefix[row, t + 1] - prefix[row, t + 1 - d]
            if cost < best:
                best = cost
                begin = t + 1 - d
    return best, begin


@kernel
def voucher_of(live, j, pool, start, d, units, chosen, scattered):  # type: ignore[no-untyped-def]
    """Whole fen the voucher pays: floor(rate x price), at most its cap."""
    gross = 0
    if scattered:
        for t in range(len(chosen)):
            if chosen[t]:
                gross += live.paid[pool, t + 1] - live.paid[pool, t]
    else:
        gross = live.paid[pool, start + d] - live.paid[pool, start]
    pays = gross * units * live.rate[j] // 10000
    if live.cap[j] >= 0:
        pays = min(pays, live.cap[j])
    return pays


@kernel
def _acceptable(  # type: ignore[no-untyped-def]
    live, wants, j, way, pool, start, d, units, chosen, scattered
):
    """Worth more than it truly costs, and within the pot."""
    if wants.bonus[j] > 0:
        cost = 0.0
        if scattered:
            for t in range(len(chosen)):
                if chosen[t]:
                    cost += live.true[pool, t + 1] - live.true[pool, t]
        else:
            cost = live.true[pool, start + d] - live.true[pool, start]
        value = wants.value_a[j] if way == 0 else wants.value_b[j]
        if value * d - cost <= 1e-9:
            return False
    if way == 1 and live.pot[j] >= 0:
        pays = voucher_of(live, j, pool, start, d, units, chosen, scattered)
        return pays <= live.left[live.pot[j]]
    return True


@kernel
def search(  # type: ignore[no-untyped-def]
    j,
    least,
    wants,
    where,
    measure,
    live,
    part_of_cell,
    part,
    cand_gain,
    cand_cell,
    cand_way,
    chosen,
):
    """Best free place worth more than ``least`` fen: (gain, pool, start, way); pool -1 = none.
    Only cells of ``part`` (-1: all). chosen[2, T]: row 0 receives the hours of a split job."""
    first = wants.first[j]
    last = wants.last[j]
    if last < first:
        return least, -1, 0, 0
    d = wants.duration[j]
    units = wants.units[j]
    split = wants.split[j] >= 0
    anything = np.empty((0, 0), np.int32)
    count = 0
    for way in range(2):
        combo = wants.combo_a[j] if way == 0 else wants.combo_b[j]
        if combo < 0:
            continue
        value = wants.value_a[j] if way == 0 else wants.value_b[j]
        gross = units * (value + wants.bonus[j]) * d
        if way == 1:
            gross -= wants.penalty_b[j]
        for i in range(where.combo_ptr[combo], where.combo_ptr[combo + 1]):
            c = where.combo_cells[i]
            if where.cell_tier[c] < wants.tier[j] or where.cell_size[c] < wants.size[j]:
                continue
            if part >= 0 and part_of_cell[c] != part:
                continue
            if gross - units * d * measure.least[c] <= least:
                continue
            if split:
                cost = least_hours(
                    measure.cell, c, anything, 0, d, first, last + d, measure.block, chosen[1]
                )
            else:
                cost = _least_run(measure.cell, c, d, first, last)
            if cost < measure.block and gross - units * cost > least:
                cand_gain[count] = gross - units * cost
                cand_cell[count] = c
                cand_way[count] = way
                count += 1
    best = least
    best_pool = -1
    best_start = 0
    best_way = 0
    top = 0
    for k in range(1, count):
        if cand_gain[k] > cand_gain[top]:
            top = k
    # The most promising cell first; after it few of the others can still be better.
    for turn in range(-1 if count else 0, count):
        k = top if turn < 0 else turn
        if cand_gain[k] <= best or k == turn == top:
            continue
        c = cand_cell[k]
        way = cand_way[k]
        value = wants.value_a[j] if way == 0 else wants.value_b[j]
        gross = units * (value + wants.bonus[j]) * d
        if way == 1:
            gross -= wants.penalty_b[j]
        for i in range(where.cell_ptr[c], where.cell_ptr[c + 1]):
            pool = where.cell_pools[i]
            if split:
                cost = least_hours(
                    measure.pool, pool, live.free, units, d, first, last + d, measure.block,
                    chosen[1],
                )  # fmt: skip
                run, begin = least_stretch(measure.pool, pool, live.free, units, d, first, last)
                if run <= cost * (1 + 1e-9) + 1e-6:  # suspending must buy something
                    cost = run
                    chosen[1, :] = False
                    chosen[1, begin : begin + d] = True
                if gross - units * cost > best and _acceptable(
                    live, wants, j, way, pool, 0, d, units, chosen[1], True
                ):
                    best = gross - units * cost
                    best_pool = pool
                    best_way = way
                    chosen[0, :] = chosen[1, :]
                continue
            s = first
            while s <= last:
                k = s + d - 1
                while k >= s and live.free[pool, k] >= units:
                    k -= 1
                if k >= s:  # hour k is full: no start up to it can work
                    s = k + 1
                    continue
                # one free stretch: slide through it while its end stays free
                while True:
                    cost = measure.pool[pool, s + d] - measure.pool[pool, s]
                    if gross - units * cost > best and _acceptable(
                        live, wants, j, way, pool, s, d, units, chosen[1], False
                    ):
                        best = gross - units * cost
                        best_pool = pool
                        best_start = s
                        best_way = way
                    s += 1
                    if s > last or live.free[pool, s + d - 1] < units:
                        break
                if s <= last:
                    s = s + d  # the hour s + d - 1 is full
    return best, best_pool, best_start, best_way


@kernel
def move_units(live, wants, j, pool, start, sign):  # type: ignore[no-untyped-def]
    """Give back (sign +1) or take (-1) the job's units in its hours."""
    units = sign * wants.units[j]
    if wants.split[j] >= 0:
        row = wants.split[j]
        for t in range(live.free.shape[1]):
            if live.hours_of[row, t]:
                live.free[pool, t] += units
    else:
        for t in range(start, start + wants.duration[j]):
            live.free[pool, t] += units
