"""Steps 2 and 3, place and improve.

Place: jobs in falling surplus; each first tries what it wanted at the prices (its cell and start,
in the cheapest pool with room), else the best free place at scarcity prices. Improve: each job is
lifted out and put where it is truly worth most; jobs left out try again.

Cells are dealt by site into parts; a part has its own pools and one thread, so there are no
locks and the outcome does not depend on the number of threads.
"""

from __future__ import annotations

import numpy as np

from .compile import kernel
from .search import move_units, search, voucher_of


@kernel
def _settle(live, wants, j, pool, start, way, sign, held):  # type: ignore[no-untyped-def]
    """Units and pot money, both ways. held[N] = fen taken from the pot."""
    move_units(live, wants, j, pool, start, sign)
    if way == 1 and live.pot[j] >= 0:
        if sign < 0:
            row = wants.split[j]
            none = np.zeros(0, np.bool_)
            hours = live.hours_of[row] if row >= 0 else none
            held[j] = voucher_of(
                live, j, pool, start, wants.duration[j], wants.units[j], hours, row >= 0
            )
            live.left[live.pot[j]] -= held[j]
        else:
            live.left[live.pot[j]] += held[j]
            held[j] = 0


@kernel
def place_jobs(  # type: ignore[no-untyped-def]
    picks, lo, hi, wants, where, measure, live, part_of_cell, part, wish_cell, wish_start, wish_way,
    pool_of, start_of, way_of, held,
):  # fmt: skip
    """Place the yet unplaced of picks[lo:hi] in order. Returns how many were placed."""
    cells = len(where.cell_tier)
    hours = live.free.shape[1]
    gains = np.empty(2 * cells, np.float64)
    cand = np.empty(2 * cells, np.int32)
    ways = np.empty(2 * cells, np.int8)
    chosen = np.zeros((2, hours), np.bool_)
    done = 0
    for k in range(lo, hi):
        j = picks[k]
        if pool_of[j] >= 0:
            continue
        c = wish_cell[j]
        d = wants.duration[j]
        units = wants.units[j]
        pool = -1
        start = 0
        way = 0
        plain = wants.split[j] < 0 and live.pot[j] < 0 and wants.bonus[j] == 0
        if plain and c >= 0 and (part < 0 or part_of_cell[c] == part):
            start = wish_start[j]
            way = wish_way[j]
            least = 1e30
            for i in range(where.cell_ptr[c], where.cell_ptr[c + 1]):
                p = where.cell_pools[i]
                # best at scarcity prices: a pool dearer than the cell's price is no better than
                # another start, so it is left to the search
                cost = live.true[p, start + d] - live.true[p, start]
                scarce = measure.pool[p, start + d] - measure.pool[p, start]
                least_here = measure.cell[c, start + d] - measure.cell[c, start]
                if scarce > least_here + 2e-3 * cost + 1e-6:
                    continue
                if cost < least:
                    room = True
                    for t in range(start, start + d):
                        if live.free[p, t] < units:
                            room = False
                            break
                    if room:
                        least = cost
                        pool = p
        if pool < 0:
            _, pool, start, way = search(
                j, 1e-9, wants, where, measure, live, part_of_cell, part, gains, cand, ways, chosen
            )
            if pool >= 0 and wants.split[j] >= 0:
                live.hours_of[wants.split[j], :] = chosen[0]
        if pool >= 0:
            pool_of[j] = pool
            start_of[j] = start
            way_of[j] = way
            _settle(live, wants, j, pool, start, way, -1, held)
            done += 1
    return done


@kernel
def improve_jobs(  # type: ignore[no-untyped-def]
    picks, lo, hi, wants, where, measure, live, part_of_cell, part, pool_of, start_of, way_of, held,
    most,
):  # fmt: skip
    """Lift each job of picks[lo:hi] out and put it where it is worth most. Returns fen gained.
    most[j] = its worth on the empty market: who has that already is left alone."""
    cells = len(where.cell_tier)
    hours = live.free.shape[1]
    gains = np.empty(2 * cells, np.float64)
    cand = np.empty(2 * cells, np.int32)
    ways = np.empty(2 * cells, np.int8)
    chosen = np.zeros((2, hours), np.bool_)
    before = np.zeros(hours, np.bool_)
    gained = 0.0
    for k in range(lo, hi):
        j = picks[k]
        now = 1e-9
        pool = pool_of[j]
        start = start_of[j]
        way = way_of[j]
        row = wants.split[j]
        d = wants.duration[j]
        if pool >= 0:
            if part >= 0 and part_of_cell[where.cell_of_pool[pool]] != part:
                continue
            cost = 0.0
            if row >= 0:
                before[:] = live.hours_of[row]
                for t in range(hours):
                    if before[t]:
                        cost += measure.pool[pool, t + 1] - measure.pool[pool, t]
            else:
                cost = measure.pool[pool, start + d] - measure.pool[pool, start]
            value = wants.value_a[j] if way == 0 else wants.value_b[j]
            now = wants.units[j] * ((value + wants.bonus[j]) * d - cost)
            if way == 1:
                now -= wants.penalty_b[j]
        if now + 1e-6 >= most[j]:
            continue
        if pool >= 0:
            _settle(live, wants, j, pool, start, way, 1, held)
        gain, pool2, start2, way2 = search(
            j, now + 1e-6, wants, where, measure, live, part_of_cell, part, gains, cand, ways,
            chosen,
        )  # fmt: skip
        if pool2 >= 0:
            gained += gain - (now if pool >= 0 else 0.0)
            pool = pool2
            start = start2
            way = way2
            if row >= 0:
                live.hours_of[row, :] = chosen[0]
        if pool >= 0:
            pool_of[j] = pool
            start_of[j] = start
            way_of[j] = way
            _settle(live, wants, j, pool, start, way, -1, held)
    return gained
