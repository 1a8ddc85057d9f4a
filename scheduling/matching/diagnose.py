"""Why a job was left out: the first reason of ``REASONS`` that holds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .admit import region_accepts
from .cells import Layout
from .compile import kernel
from .encode import Instance
from .market import Pool
from .result import REASON_CODES
from .search import Live, Measure, search


@kernel
def _look_again(  # type: ignore[no-untyped-def]
    jobs, wants, where, true, price_only, live, pot_left, codes, out
):
    """On the empty market: what would have been possible. codes = (window, price, carbon, pot,
    capacity)."""
    cells = len(where.cell_tier)
    gains = np.empty(2 * cells, np.float64)
    cand = np.empty(2 * cells, np.int32)
    ways = np.empty(2 * cells, np.int8)
    chosen = np.zeros((2, live.free.shape[1]), np.bool_)
    nowhere = np.zeros(0, np.int64)
    for k in range(len(jobs)):
        j = jobs[k]
        _, pool, _, way = search(
            j, 1e-9, wants, where, true, live, nowhere, -1, gains, cand, ways, chosen
        )
        if pool >= 0:
            short = way == 1 and live.pot[j] >= 0 and pot_left[live.pot[j]] <= 0
            out[k] = codes[3] if short else codes[4]
            continue
        _, pool, _, _ = search(
            j, 1e-9, wants, where, price_only, live, nowhere, -1, gains, cand, ways, chosen
        )
        if pool >= 0:
            out[k] = codes[2]
            continue
        _, pool, _, _ = search(
            j, -1e300, wants, where, true, live, nowhere, -1, gains, cand, ways, chosen
        )
        out[k] = codes[1] if pool >= 0 else codes[0]


def diagnose(
    inst: Instance,
    layout: Layout,
    pools: list[Pool],
    left_out: NDArray[np.int64],
    true: Measure,
    price_only: Measure,
    live: Live,
    pot_left: NDArray[np.int64],
) -> NDArray[np.int8]:
    """Codes for the jobs ``left_out`` (as given). ``live.free`` is the market before this plan."""
    code = {name: REASON_CODES.index(name) for name in REASON_CODES}
    out = np.full(len(left_out), -1, np.int8)
    stuck: dict[tuple[int, ...], int] = {}
    cols = inst.columns
    keys = np.stack(
        [cols.kinds, cols.regions, cols.labels, cols.min_green_tier,
         np.unique(cols.max_pue, return_inverse=True)[1], cols.units]
    )[:, left_out].T  # fmt: skip
    most = inst.free.max(axis=1)
    near = _near(cols.region_sets, [pool.region for pool in pools])
    for k, key in enumerate(map(tuple, keys.tolist())):
        if key not in stuck:
            stuck[key] = _static(inst, pools, int(left_out[k]), most, near, code)
        out[k] = stuck[key]
    late = (out < 0) & (inst.latest[left_out] < inst.earliest[left_out])
    out[late] = code["horizon"]
    rest = np.flatnonzero(out < 0)
    back = np.empty(inst.n, np.int64)
    back[layout.order] = np.arange(inst.n)
    found = np.full(len(rest), -1, np.int8)
    layout.wants.bonus[:] = 0
    layout.wants.penalty_b[:] = 0
    codes = np.array([code[x] for x in ("window", "price", "carbon", "pot", "capacity")])
    _look_again(
        back[left_out[rest]], layout.wants, layout.where, true, price_only, live, pot_left, codes,
        found,
    )  # fmt: skip
    out[rest] = found
    return out


def _near(region_sets: Sequence[frozenset[str]], regions: list[str]) -> NDArray[np.bool_]:
    """[sets, pools] does the pool lie in one of the regions; an empty set is everywhere."""
    names, of_pool = np.unique(np.array(regions, np.str_), return_inverse=True)
    rows = [
        [not wanted or any(region_accepts(code, str(name)) for code in wanted) for name in names]
        for wanted in region_sets
    ]
    return np.array(rows, np.bool_).reshape(len(rows), len(names))[:, of_pool.reshape(-1)]


def _static(
    inst: Instance,
    pools: list[Pool],
    j: int,
    most: NDArray[np.int32],
    near: NDArray[np.bool_],
    code: dict[str, int],
) -> int:
    """Reasons that need no clock, for one signature; -1 when some pool could take it."""
    cols = inst.columns
    able = inst.kind_sets[inst.kind_set[j]][inst.kind]
    if not able.any():
        return code["kind"]
    able = able & near[cols.regions[j]]
    if not able.any():
        return code["region"]
    marks = cols.label_sets[cols.labels[j]]
    if marks:
        able = able & np.array([marks <= p.labels for p in pools])
        if not able.any():
            return code["label"]
    able = able & (inst.tier >= inst.tier_min[j])
    if not able.any():
        return code["rating"]
    able = able & inst.site_sets[inst.site_set[j]][inst.site]
    if not able.any():
        return code["pue"]
    if not (able & (most >= inst.units[j])).any():
        return code["size"]
    return -1
