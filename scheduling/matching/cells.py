"""Cells, combinations and job rows: the shape in which the market is priced.

A cell is (kind, site, tier, size class); every pool lies in one. A combination is one pair of
(kind set, site set) that some job asks for. A job reads the cells of its combination whose tier
rank is at least its own and whose size class is at least its own: a superset of the pools it may
use, so that a bound read from cells holds for pools.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .encode import Instance

TABLE_BYTES = 350_000_000  # as much again names the cell of each entry
FEW_JOBS = 50_000
SIZE_STEPS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 4096, 16384)


class Wants(NamedTuple):
    """Jobs in table order, N rows. Option a: as the payer pays. Option b: with a local voucher or
    one from a pot (combo_b = -1: none). Values are fen per unit-hour; penalty_b fen per job."""

    units: NDArray[np.int32]
    duration: NDArray[np.int32]
    first: NDArray[np.int32]
    last: NDArray[np.int32]
    tier: NDArray[np.int32]
    size: NDArray[np.int32]
    combo_a: NDArray[np.int32]
    combo_b: NDArray[np.int32]
    value_a: NDArray[np.float64]
    value_b: NDArray[np.float64]
    bonus: NDArray[np.float64]  # fairness price of the job's group, fen per unit-hour
    penalty_b: NDArray[np.float64]
    row_a: NDArray[np.int64]  # row of the response table, -1: read the cells
    row_b: NDArray[np.int64]
    split: NDArray[np.int32]  # row of the hour sets of interruptible jobs, -1: one stretch


class Where(NamedTuple):
    """Cells by combination and pools by cell (ragged arrays: ptr and idx)."""

    cell_tier: NDArray[np.int32]
    cell_size: NDArray[np.int32]
    combo_ptr: NDArray[np.int64]
    combo_cells: NDArray[np.int32]
    cell_ptr: NDArray[np.int64]
    cell_pools: NDArray[np.int32]
    cell_of_pool: NDArray[np.int32]


@dataclass
class Layout:
    """order[k] = the job (as given) in table row k."""

    order: NDArray[np.int64]
    wants: Wants
    where: Where
    pair_combo: NDArray[np.int32]  # [pairs] (combination, hours) pairs that have a table
    pair_hours: NDArray[np.int32]
    tiers: int
    sizes: int
    floor: NDArray[np.float64]  # [C, T] cheapest cost among the open pools, 0 where closed
    capacity: NDArray[np.int64]  # [C, T] units free
    cells: int
    combos: int
    pot_least: NDArray[np.float64]  # [N] table order: least fen a pot's voucher pays for the job


def lay_out(instance: Instance) -> Layout:
    """Group the pools into cells and sort the jobs so that neighbours read the same table rows."""
    inst = instance
    levels = np.unique(np.concatenate([[0], inst.tier]))
    pool_tier = np.searchsorted(levels, inst.tier).astype(np.int64)
    most = int(inst.units.max()) if inst.n else 1
    steps = np.array([x for x in SIZE_STEPS if x <= max(1, most)], np.int64)
    gangs = np.unique(np.concatenate([[1], inst.units]))
    if inst.n <= FEW_JOBS and len(gangs) <= 16:  # a class per gang size: the tightest bound
        steps = gangs.astype(np.int64)
    size = inst.free.max(axis=1)
    pool_size = np.maximum(np.searchsorted(steps, size, side="right") - 1, 0)
    n_sites = inst.site_sets.shape[1]
    key = ((inst.kind.astype(np.int64) * n_sites + inst.site) * len(levels) + pool_tier) * len(
        steps
    ) + pool_size
    codes, cell_of_pool = np.unique(key, return_inverse=True)
    cells = len(codes)
    cell_size = (codes % len(steps)).astype(np.int32)
    cell_tier = (codes // len(steps) % len(levels)).astype(np.int32)
    cell_site = codes // len(steps) // len(levels) % n_sites
    cell_kind = codes // len(steps) // len(levels) // n_sites
    cell_pools = np.argsort(cell_of_pool, kind="stable").astype(np.int32)
    cell_ptr = np.searchsorted(cell_of_pool[cell_pools], np.arange(cells + 1)).astype(np.int64)
    floor = np.full((cells, inst.hours), np.inf)
    np.minimum.at(floor, cell_of_pool, np.where(inst.free > 0, inst.cost, np.inf))
    floor[~np.isfinite(floor)] = 0.0
    capacity = np.zeros((cells, inst.hours), np.int64)
    np.add.at(capacity, cell_of_pool, inst.free)

    sets = len(inst.site_sets)
    potted = inst.pot >= 0
    plain = ~potted & (inst.voucher_set == inst.site_set)  # the voucher holds wherever it may run
    pair_a = inst.kind_set.astype(np.int64) * sets + inst.site_set
    has_b = (inst.voucher_set >= 0) & ~plain
    pair_b = np.where(has_b, inst.kind_set.astype(np.int64) * sets + inst.voucher_set, -1)
    pairs = np.unique(np.concatenate([pair_a, pair_b[has_b]]))
    combo_a = np.searchsorted(pairs, pair_a).astype(np.int32)
    combo_b = np.where(has_b, np.searchsorted(pairs, pair_b), -1).astype(np.int32)
    members = [
        np.flatnonzero(inst.kind_sets[p // sets][cell_kind] & inst.site_sets[p % sets][cell_site])
        for p in pairs
    ]
    combo_ptr = np.concatenate([[0], np.cumsum([len(m) for m in members])]).astype(np.int64)
    combo_cells = np.concatenate([*members, np.zeros(0, np.int64)]).astype(np.int32)

    tier = np.searchsorted(levels, inst.tier_min).astype(np.int32)
    zone = (np.searchsorted(steps, inst.units, side="right") - 1).astype(np.int32)
    width = len(levels) * len(steps)
    count = np.diff(combo_ptr)
    usable = (inst.duration <= inst.hours) & ~inst.interruptible
    usable &= tier < len(levels)
    at_a = np.where(usable, inst.duration.astype(np.int64) * len(pairs) + combo_a, -1)
    at_b = np.where(usable & has_b, inst.duration.astype(np.int64) * len(pairs) + combo_b, -1)
    chosen = _pairs_worth_a_table(inst, at_a, at_b, count, width)
    row_a, row_b = _rows(chosen, at_a), _rows(chosen, at_b)
    offset = np.minimum(tier, len(levels) - 1) * len(steps) + zone
    row_a = np.where(row_a >= 0, row_a * width + offset, -1)
    row_b = np.where(row_b >= 0, row_b * width + offset, -1)
    near = (
        np.minimum(inst.duration, inst.hours + 1).astype(np.int64) * len(pairs) + combo_a
    ) * width
    order = np.argsort(
        (near + offset) * (inst.hours + 1) + np.minimum(inst.earliest, inst.hours), kind="stable"
    )
    split = np.full(inst.n, -1, np.int32)
    split[inst.interruptible] = np.arange(int(inst.interruptible.sum()))

    wants = Wants(
        units=inst.units[order],
        duration=inst.duration[order],
        first=inst.earliest[order],
        last=inst.latest[order],
        tier=tier[order],
        size=zone[order],
        combo_a=combo_a[order],
        combo_b=combo_b[order],
        value_a=np.where(plain, inst.value_voucher, inst.value)[order],
        value_b=inst.value_voucher[order],
        bonus=np.zeros(inst.n),
        penalty_b=np.zeros(inst.n),
        row_a=row_a[order].astype(np.int64),
        row_b=row_b[order].astype(np.int64),
        split=split[order],
    )
    where = Where(
        cell_tier,
        cell_size,
        combo_ptr,
        combo_cells,
        cell_ptr,
        cell_pools,
        cell_of_pool.astype(np.int32),
    )
    least = np.zeros(inst.n)
    if potted.any():
        cheapest = np.full(cells, np.inf)
        np.minimum.at(cheapest, cell_of_pool, inst.price.min(axis=1))
        by_combo = np.array([cheapest[m].min() if len(m) else 0.0 for m in members])
        gross = by_combo[combo_b] * inst.units.astype(np.float64) * inst.duration
        pays = np.floor(gross * inst.rate / 10_000)
        pays = np.where(inst.cap >= 0, np.minimum(pays, inst.cap), pays)
        least = np.where(potted & has_b, pays, 0.0)[order]
    return Layout(
        order, wants, where, (chosen % len(pairs)).astype(np.int32),
        (chosen // len(pairs)).astype(np.int32), len(levels), len(steps), floor, capacity, cells,
        len(pairs), least,
    )  # fmt: skip


def _pairs_worth_a_table(
    inst: Instance,
    at_a: NDArray[np.int64],
    at_b: NDArray[np.int64],
    cells: NDArray[np.int64],
    width: int,
) -> NDArray[np.int64]:
    """(hours x combination) codes, sorted: those where building a table once costs less than each
    job reading the cells, the most gainful first within TABLE_BYTES."""
    codes, count = np.unique(np.concatenate([at_a[at_a >= 0], at_b[at_b >= 0]]), return_counts=True)
    if not len(codes):
        return codes
    members = cells[codes % len(cells)]
    slack = float(np.mean(np.clip(inst.latest - inst.earliest + 1, 0, inst.hours)))
    direct = count * (members * (slack * 0.5 + 25.0) + 50.0)
    built = members * inst.hours * 0.5 + width * inst.hours * 1.5 + count * (slack * 0.2 + 60.0)
    gain = direct - built
    best = np.argsort(-gain, kind="stable")[: TABLE_BYTES // (width * inst.hours * 4)]
    return np.sort(codes[best[gain[best] > 0]])


def _rows(chosen: NDArray[np.int64], codes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Position of each code among the chosen, -1 where it is not."""
    if not len(chosen):
        return np.full(len(codes), -1, np.int64)
    place = np.minimum(np.searchsorted(chosen, codes), len(chosen) - 1)
    return np.where(chosen[place] == codes, place, -1)
