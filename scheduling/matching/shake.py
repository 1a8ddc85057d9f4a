"""Shake: on small markets, empty two pools for some hours and fill them again, if that is better.

Ruin and recreate (Schrimpf et al., 2000). Jobs that can be suspended, draw on a pot or are lifted
by a fairness floor stay where they are. Same seed, same outcome: rounds are counted, not timed.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .compile import kernel
from .search import move_units, search

SHAKE_JOBS = 2000
ROUNDS_PER_JOB = 15
MOST = 160  # jobs taken up in one round
NOISE = 1.0  # of the order in which they are put back: wide is better (0.15 and 0.4 were tried)


def shake(rng: np.random.Generator, hours: int, pools: int, *common: Any) -> float:
    """fen gained. ``common`` = wants, where, measure, live, pool_of, start_of, way_of."""
    rounds = ROUNDS_PER_JOB * len(common[-1])
    spans = ((0, pools), (0, pools), (0, hours), (4, 30))
    picks = np.stack([rng.integers(a, b, rounds) for a, b in spans], axis=1)
    noise = rng.lognormal(0.0, NOISE, (64, MOST))
    return float(_shake(picks, noise, *common))


@kernel
def _shake(picks, noise, wants, where, measure, live, pool_of, start_of, way_of):  # type: ignore[no-untyped-def]
    n = len(pool_of)
    cells = len(where.cell_tier)
    gains = np.empty(2 * cells, np.float64)
    cand = np.empty(2 * cells, np.int32)
    ways = np.empty(2 * cells, np.int8)
    chosen = np.zeros((2, live.free.shape[1]), np.bool_)
    parts = np.zeros(cells, np.int64)
    jobs = np.empty(noise.shape[1], np.int64)
    key = np.empty(noise.shape[1], np.float64)
    old_pool = np.empty(noise.shape[1], np.int32)
    old_start = np.empty(noise.shape[1], np.int32)
    old_way = np.empty(noise.shape[1], np.int8)
    total = 0.0
    for r in range(len(picks)):
        first = picks[r, 2]
        end = first + picks[r, 3]
        count = 0
        before = 0.0
        begin = (r * 7919) % n  # who is looked at first changes, so that MOST is no bias
        for i in range(n):
            j = (begin + i) % n
            if wants.split[j] >= 0 or live.pot[j] >= 0 or wants.bonus[j] != 0:
                continue
            if wants.last[j] < wants.first[j] or count == len(jobs):
                continue
            d = wants.duration[j]
            pool = pool_of[j]
            if pool >= 0:
                if pool != picks[r, 0] and pool != picks[r, 1]:
                    continue
                if start_of[j] >= end or start_of[j] + d <= first:
                    continue
            elif wants.first[j] >= end or wants.last[j] + d <= first:
                continue
            jobs[count] = j
            old_pool[count] = pool
            old_start[count] = start_of[j]
            old_way[count] = way_of[j]
            value = wants.value_a[j] if wants.combo_b[j] < 0 else wants.value_b[j]
            key[count] = -wants.units[j] * d * value * noise[r % len(noise), count]
            if pool >= 0:
                held = wants.value_a[j] if way_of[j] == 0 else wants.value_b[j]
                cost = measure.pool[pool, start_of[j] + d] - measure.pool[pool, start_of[j]]
                before += wants.units[j] * (held * d - cost)
            count += 1
        for i in range(count):
            if old_pool[i] >= 0:
                move_units(live, wants, jobs[i], old_pool[i], old_start[i], 1)
                pool_of[jobs[i]] = -1
        after = 0.0
        rank = np.argsort(key[:count], kind="mergesort")
        for i in rank:
            j = jobs[i]
            gain, pool, start, way = search(
                j, 1e-9, wants, where, measure, live, parts, -1, gains, cand, ways, chosen
            )
            if pool >= 0:
                after += gain
                pool_of[j] = pool
                start_of[j] = start
                way_of[j] = way
                move_units(live, wants, j, pool, start, -1)
        if after > before + 1e-6:
            total += after - before
            continue
        for i in range(count):
            j = jobs[i]
            if pool_of[j] >= 0:
                move_units(live, wants, j, pool_of[j], start_of[j], 1)
        for i in range(count):
            j = jobs[i]
            pool_of[j] = old_pool[i]
            start_of[j] = old_start[i]
            way_of[j] = old_way[i]
            if old_pool[i] >= 0:
                move_units(live, wants, j, old_pool[i], old_start[i], -1)
    return total
