"""The two first-fit baselines, run in the same process as the engine so that the ratio travels.

start_first   earliest start, cheapest pool free then (within the price limit)
price_first   cheapest pool, earliest start free there

Both serve in order of arrival, which is the order the jobs are given in: a queue that is emptied as
it was filled. ``by_start`` serves in order of earliest start, which mostly packs better; its
figures are printed beside.
"""

from __future__ import annotations

import numpy as np

from scheduling.matching.cells import lay_out
from scheduling.matching.compile import kernel
from scheduling.matching.encode import Instance


@kernel
def _first_fit(order, wants, where, paid, true, free, start_first, carbon_aware, out):  # type: ignore[no-untyped-def]
    placed = 0
    for k in range(len(order)):
        j = order[k]
        d = wants.duration[j]
        units = wants.units[j]
        best_price = 1e30
        best_start = 10**9
        best_pool = -1
        best_value = 0.0
        for way in range(2):
            combo = wants.combo_a[j] if way == 0 else wants.combo_b[j]
            if combo < 0:
                continue
            value = wants.value_a[j] if way == 0 else wants.value_b[j]
            for i in range(where.combo_ptr[combo], where.combo_ptr[combo + 1]):
                c = where.combo_cells[i]
                if where.cell_tier[c] < wants.tier[j] or where.cell_size[c] < wants.size[j]:
                    continue
                for q in range(where.cell_ptr[c], where.cell_ptr[c + 1]):
                    pool = where.cell_pools[q]
                    rate = (paid[pool, paid.shape[1] - 1]) / (paid.shape[1] - 1)
                    if not start_first and (rate > best_price or (rate == best_price and way == 0)):
                        continue
                    s = wants.first[j]
                    while s <= wants.last[j] and (not start_first or s <= best_start):
                        t = s + d - 1
                        while t >= s and free[pool, t] >= units:
                            t -= 1
                        if t >= s:
                            s = t + 1
                            continue
                        cost = paid[pool, s + d] - paid[pool, s]
                        worth = value * d - (true[pool, s + d] - true[pool, s])
                        if cost > value * d or (carbon_aware and worth <= 0):
                            s += 1
                            continue
                        if start_first:
                            same = way == 1 and s == best_start and cost == best_price
                            if s < best_start or cost < best_price or same:
                                best_start, best_price, best_pool = s, cost, pool
                                best_value = value
                        else:
                            best_start, best_price, best_pool = s, rate, pool
                            best_value = value
                        break
        if best_pool >= 0:
            for t in range(best_start, best_start + d):
                free[best_pool, t] -= units
            cost = true[best_pool, best_start + d] - true[best_pool, best_start]
            out[0] += units * (best_value * d - cost)
            placed += 1
    return placed


def first_fit(
    inst: Instance, *, start_first: bool, by_start: bool = False, carbon_aware: bool = False
) -> tuple[float, float]:
    """(welfare fen, served share). They know the price limit; ``carbon_aware``: also price plus
    carbon, and take no job worth less."""
    layout = lay_out(inst)
    zero = np.zeros((len(inst.pool_ids), 1))
    paid = np.concatenate([zero, np.cumsum(inst.price, axis=1)], axis=1)
    true = np.concatenate([zero, np.cumsum(inst.cost, axis=1)], axis=1)
    out = np.zeros(1)
    arrived = np.argsort(layout.order, kind="stable")
    order = arrived[np.argsort(layout.wants.first[arrived], kind="stable")] if by_start else arrived
    placed = _first_fit(
        order,
        layout.wants,
        layout.where,
        paid,
        true,
        inst.free.copy(),
        start_first,
        carbon_aware,
        out,
    )
    return float(out[0]), placed / max(1, inst.n)
