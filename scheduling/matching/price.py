"""Step 1, price: find hourly prices per cell at which what jobs want meets what pools offer.

Lagrange duals of capacity by an AdaGrad subgradient: at price p[cell, t] (fen per unit-hour) a cell
supplies the units of its pools whose own cost is at most p (merit order), and every job wants its
cheapest start, if that is worth more than it costs. See docs/decisions/0005.
"""

from __future__ import annotations

import numpy as np

from .compile import fast_kernel, kernel

BIG = np.float32(1e30)


@kernel
def prefix_prices(price, capacity, block, out):  # type: ignore[no-untyped-def]
    """out[c, t] = sum of price[c, :t], closed hours at ``block``. [C, T] -> [C, T + 1] float64."""
    for c in range(price.shape[0]):
        total = 0.0
        out[c, 0] = 0.0
        for t in range(price.shape[1]):
            total += price[c, t] if capacity[c, t] > 0 else block
            out[c, t + 1] = total


@fast_kernel
def _lower(into, who, other, cell, count):  # type: ignore[no-untyped-def]
    """into = min(into, other), and who gave it; rows as 1-D slices so that it vectorizes."""
    for s in range(count):
        less = other[s] < into[s]
        into[s] = other[s] if less else into[s]
        who[s] = cell if less else who[s]


@fast_kernel
def _merge(into, who, other, whose, count):  # type: ignore[no-untyped-def]
    for s in range(count):
        less = other[s] < into[s]
        into[s] = other[s] if less else into[s]
        who[s] = whose[s] if less else who[s]


@kernel
def build_tables(  # type: ignore[no-untyped-def]
    prefix, where, pair_combo, pair_hours, lo, hi, tiers, sizes, fused, table, giver
):
    """table[(pair G + g) Z + z, s] = least price of pair_hours[pair] hours from s over the cells of
    the pair's combination, tier >= g, size class >= z; pairs [lo, hi), sorted by hours. ``fused``:
    take differences as they are read (few pairs) instead of once per duration for all cells.
    giver[row, s] = the cell."""
    cells = prefix.shape[0]
    hours = prefix.shape[1] - 1
    width = tiers * sizes
    run = np.empty((cells, hours), np.float32)
    now = -1
    for pair in range(lo, hi):
        d = pair_hours[pair]
        starts = hours - d + 1
        if d != now and not fused:
            now = d
            for c in range(cells):
                _runs(prefix[c], d, starts, run[c])
        combo = pair_combo[pair]
        base = pair * width
        table[base : base + width, :] = BIG
        for i in range(where.combo_ptr[combo], where.combo_ptr[combo + 1]):
            c = where.combo_cells[i]
            r = base + where.cell_tier[c] * sizes + where.cell_size[c]
            if fused:
                _lower_run(table[r], giver[r], prefix[c], c, d, starts)
            else:
                _lower(table[r], giver[r], run[c], c, starts)
        for g in range(tiers - 1, -1, -1):
            for z in range(sizes - 1, -1, -1):
                r = base + g * sizes + z
                if g + 1 < tiers:
                    _merge(table[r], giver[r], table[r + sizes], giver[r + sizes], starts)
                if z + 1 < sizes:
                    _merge(table[r], giver[r], table[r + 1], giver[r + 1], starts)


@fast_kernel
def _runs(prefix, d, starts, out):  # type: ignore[no-untyped-def]
    head = prefix[:starts]
    tail = prefix[d : d + starts]
    for s in range(starts):
        out[s] = np.float32(tail[s] - head[s])


@fast_kernel
def _lower_run(into, who, prefix, cell, d, starts):  # type: ignore[no-untyped-def]
    head = prefix[:starts]
    tail = prefix[d : d + starts]
    for s in range(starts):
        run = np.float32(tail[s] - head[s])
        less = run < into[s]
        into[s] = run if less else into[s]
        who[s] = cell if less else who[s]


@fast_kernel
def _least(row):  # type: ignore[no-untyped-def]
    best = BIG
    for s in range(len(row)):
        best = row[s] if row[s] < best else best
    return best


@fast_kernel
def _least_run(prefix, c, d, first, last):  # type: ignore[no-untyped-def]
    head = prefix[c, first : last + 1]
    tail = prefix[c, first + d : last + d + 1]
    best = 1e30
    for s in range(len(head)):
        gap = tail[s] - head[s]
        best = gap if gap < best else best
    return best


@kernel
def scan_cells(prefix, where, combo, tier, size, d, first, last):  # type: ignore[no-untyped-def]
    """Least price of d hours in one stretch over a combination's cells: (price, cell, start)."""
    best = 1e30
    cell = -1
    for i in range(where.combo_ptr[combo], where.combo_ptr[combo + 1]):
        c = where.combo_cells[i]
        if where.cell_tier[c] >= tier and where.cell_size[c] >= size:
            cost = _least_run(prefix, c, d, first, last)
            if cost < best:
                best = cost
                cell = c
    if cell < 0:
        return best, -1, 0
    for s in range(first, last + 1):
        if prefix[cell, s + d] - prefix[cell, s] <= best:
            return best, cell, s
    return best, cell, first


@kernel
def respond(  # type: ignore[no-untyped-def]
    picks, lo, hi, wants, where, rows, table, giver, prefix, block, diff, cell, start, option,
    surplus,
):  # fmt: skip
    """What jobs picks[lo:hi] want at the prices: cell (-1 none), start, option (0 = a, 1 = b) and
    surplus in fen for the whole job; their units go into diff[C, T + 1] (a difference array). Only
    table[:rows] is up to date; jobs of later rows read their cells."""
    for k in range(lo, hi):
        j = picks[k]
        cell[j] = -1
        surplus[j] = 0.0
        first = wants.first[j]
        last = wants.last[j]
        if last < first:
            continue
        d = wants.duration[j]
        units = wants.units[j]
        best = 1e-9
        choice = 0
        least = np.float32(0)
        for way in range(2):
            combo = wants.combo_a[j] if way == 0 else wants.combo_b[j]
            if combo < 0:
                continue
            row = wants.row_a[j] if way == 0 else wants.row_b[j]
            value = wants.value_a[j] if way == 0 else wants.value_b[j]
            gross = units * (value + wants.bonus[j]) * d
            if way == 1:
                gross -= wants.penalty_b[j]
            if 0 <= row < rows:
                cost = _least(table[row, first : last + 1])
                if cost < block and gross - units * np.float64(cost) > best:
                    best = gross - units * np.float64(cost)
                    choice = way + 1
                    option[j] = way
                    least = cost
            else:
                price, c, s = scan_cells(
                    prefix, where, combo, wants.tier[j], wants.size[j], d, first, last
                )
                if c >= 0 and price < block and gross - units * price > best:
                    best = gross - units * price
                    choice = 3
                    option[j] = way
                    cell[j] = c
                    start[j] = s
        if choice == 0:
            continue
        surplus[j] = best
        if choice < 3:
            row = wants.row_a[j] if choice == 1 else wants.row_b[j]
            s = first
            while table[row, s] != least:
                s += 1
            start[j] = s
            cell[j] = giver[row, s]
        c = cell[j]
        diff[c, start[j]] += units
        diff[c, start[j] + d] -= units


@kernel
def step_prices(  # type: ignore[no-untyped-def]
    lo, hi, diff, scale, where, free, cost, floor, capacity, eta, keep, ceiling, price, square,
    average,
):  # fmt: skip
    """One AdaGrad step on price[lo:hi, T]; ``average`` keeps share ``keep`` of itself. ``scale``
    turns the sampled demand into the whole. Gradient: (demand - supply) / capacity, within +-10."""
    hours = price.shape[1]
    supply = np.empty(hours, np.float64)
    for c in range(lo, hi):
        supply[:] = 0.0
        for i in range(where.cell_ptr[c], where.cell_ptr[c + 1]):
            pool = where.cell_pools[i]
            _supply(cost[pool], free[pool], price[c], supply)
        demand = 0
        for t in range(hours):
            demand += diff[c, t]
            if capacity[c, t] > 0:
                slope = (demand * scale - supply[t]) / capacity[c, t]
                slope = min(10.0, max(-10.0, slope))
                if slope < 0.0 and price[c, t] <= floor[c, t]:
                    slope = 0.0
                if slope != 0.0:
                    square[c, t] += slope * slope
                    unit = max(floor[c, t], 1.0)
                    moved = price[c, t] + eta * unit * slope / np.sqrt(square[c, t])
                    price[c, t] = min(ceiling, max(floor[c, t], moved))
            average[c, t] = keep * average[c, t] + (1 - keep) * price[c, t]


@fast_kernel
def _supply(cost, free, price, supply):  # type: ignore[no-untyped-def]
    for t in range(len(supply)):
        supply[t] += free[t] if cost[t] <= price[t] + 1e-9 else 0


@kernel
def shadow_revenue(price, where, free, cost, capacity):  # type: ignore[no-untyped-def]
    """sum capacity x max(0, price - cost) over pools and hours, fen."""
    total = 0.0
    for pool in range(free.shape[0]):
        c = where.cell_of_pool[pool]
        for t in range(free.shape[1]):
            if free[pool, t] > 0 and price[c, t] > cost[pool, t]:
                total += free[pool, t] * (price[c, t] - cost[pool, t])
    return total
