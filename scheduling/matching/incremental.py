"""New jobs between two batch plans: placed one by one at the stored prices, on live capacity.

Here every pool is its own cell, so nothing is laid out again when a job asks for a combination of
kinds, regions, rating and PUE not seen before: that is one boolean mask, kept for the next job.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .admit import admit_jobs, admit_unique, refuse, region_accepts
from .cells import Wants, Where
from .columns import RATE_SCALE, JobColumns
from .diagnose import _look_again
from .encode import encode
from .market import Job, Market
from .place import place_jobs
from .plan import warm_prices
from .result import REASON_CODES, REASONS, Certificate, Placement, Plan, Unplaced
from .search import Live, measure_of
from .solve import TRUE_SHARE


@dataclass(frozen=True)
class Incremental:
    """placements + unplaced cover every job given exactly once."""

    placements: list[Placement]
    unplaced: list[Unplaced]


def _prefix(figures: NDArray[np.generic]) -> NDArray[np.generic]:
    zero = np.zeros((figures.shape[0], 1), figures.dtype)
    return np.concatenate([zero, np.cumsum(figures, axis=1)], axis=1)


class State:
    """Live residual capacity, [pools, hours] units, with the last prices. Not thread safe."""

    def __init__(
        self, market: Market, certificate: Certificate | None, carbon_price: float, hours: int
    ) -> None:
        bare = Market(market.pools, [], market.carbon, market.voucher_pots_fen)
        inst = encode(bare, carbon_price_fen_per_kg=carbon_price, hours=hours)
        self.inst, self.hours = inst, hours
        self.pools = list(market.pools)
        self.row = {pool.pool_id: k for k, pool in enumerate(self.pools)}
        self.open = inst.opened.copy()  # what could be free at best (closures taken off)
        self.residual = inst.free.copy()  # units free now, [pools, hours] int32
        self.pots_left = dict(market.voucher_pots_fen)
        prices = warm_prices(inst, certificate)
        scarce = inst.cost if prices is None else np.maximum(prices, inst.cost)
        scarce = (1 - TRUE_SHARE) * scarce + TRUE_SHARE * inst.cost
        block = 1e15
        true = _prefix(inst.cost)
        fen = _prefix(inst.price)
        at_price = _prefix(scarce)
        self.scarce = measure_of(at_price, at_price, block)  # type: ignore[arg-type]
        self.true = measure_of(true, true, block)  # type: ignore[arg-type]
        self.paid = fen
        self.price_only = measure_of(fen.astype(np.float64), fen.astype(np.float64), block)
        self.kg = _prefix(inst.kg)
        names = sorted({pool.kind for pool in self.pools})
        self._kind = np.array([pool.kind for pool in self.pools])
        self._region = np.array([pool.region for pool in self.pools])
        self._pue = np.array([pool.pue for pool in self.pools])
        self.kinds = names
        self._masks: dict[tuple[object, ...], NDArray[np.bool_]] = {}
        self._taken: dict[str, tuple[int, NDArray[np.int64], int]] = {}
        self._fen_from_pot: dict[str, tuple[str, int]] = {}

    def _where(self, members: list[NDArray[np.int64]]) -> Where:
        count = len(self.pools)
        ptr = np.concatenate([[0], np.cumsum([len(m) for m in members])]).astype(np.int64)
        idx = np.concatenate([*members, np.zeros(0, np.int64)]).astype(np.int32)
        each = np.arange(count, dtype=np.int32)
        return Where(
            self.inst.tier, self.open.max(axis=1), ptr, idx,
            np.arange(count + 1, dtype=np.int64), each, each,
        )  # fmt: skip

    def mask(self, name: str, wanted: frozenset[str]) -> NDArray[np.bool_]:
        """Pools whose kind, region or labels suit; kept for the next job that asks the same."""
        key = (name, wanted)
        if key not in self._masks:
            if not wanted:
                made = np.ones(len(self.pools), np.bool_)
            elif name == "kind":
                made = np.isin(self._kind, list(wanted))
            elif name == "region":
                regions = np.unique(self._region)
                good = [r for r in regions if any(region_accepts(c, str(r)) for c in wanted)]
                made = np.isin(self._region, good)
            else:
                made = np.array([wanted <= pool.labels for pool in self.pools])
            self._masks[key] = made
        return self._masks[key]

    def release(self, placement: Placement) -> None:
        """Give the units of a declined, expired or failed placement back at once."""
        if placement.job_id not in self._taken:
            refuse("not_placed", f"job {placement.job_id!r} holds nothing here",
                   f"作业 {placement.job_id!r} 在此没有占用", "jobs")  # fmt: skip
        pool, hours, units = self._taken.pop(placement.job_id)
        self.residual[pool, hours] += units
        if placement.job_id in self._fen_from_pot:
            pot, fen = self._fen_from_pot.pop(placement.job_id)
            self.pots_left[pot] += fen

    def occupy(self, placement: Placement, units: int, pot: str | None = None) -> None:
        """Take the units of a placement made elsewhere; MarketError when they are not free."""
        hours = np.concatenate([np.arange(a, b) for a, b in placement.segments])
        pool = self.row.get(placement.pool_id, -1)
        if pool < 0 or placement.job_id in self._taken:
            refuse("unknown_pool", f"pool {placement.pool_id!r} unknown, or job already placed",
                   f"未知资源池 {placement.pool_id!r} 或作业已放置", "pools")  # fmt: skip
        if (self.residual[pool, hours] < units).any():
            refuse("not_free", f"pool {placement.pool_id!r} has not {units} units free then",
                   f"资源池 {placement.pool_id!r} 届时没有 {units} 个空闲单元",
                   "pools")  # fmt: skip
        self._take(placement, pool, hours, units, pot)

    def _take(
        self, placement: Placement, pool: int, hours: NDArray[np.int64], units: int, pot: str | None
    ) -> None:
        self.residual[pool, hours] -= units
        self._taken[placement.job_id] = (pool, hours, units)
        if pot in self.pots_left and placement.voucher_fen:
            self.pots_left[pot] -= placement.voucher_fen
            self._fen_from_pot[placement.job_id] = (pot, placement.voucher_fen)

    def close(self, pool_id: str, from_hour: int, to_hour: int) -> None:
        """Outage or maintenance: nothing new is placed there in [from_hour, to_hour). What is
        placed there stays counted, so that releasing it later does not reopen the hours."""
        pool = self.row[pool_id]
        window = slice(max(0, from_hour), min(self.hours, to_hour))
        self.residual[pool, window] -= 2**28
        self.open[pool, window] = 0


def open_state(
    market: Market,
    result: Plan | None = None,
    *,
    certificate: Certificate | None = None,
    carbon_price_fen_per_kg: float | None = None,
    hours: int | None = None,
) -> State:
    """Live state from a plan just made (its placements taken), or from pools whose ``occupied`` is
    the live state plus a stored ``certificate`` (prices only)."""
    if result is not None:
        state = State(market, result.certificate, result.carbon_price_fen_per_kg, result.hours)
        columns = market.jobs if isinstance(market.jobs, JobColumns) else None
        rows = np.flatnonzero(result.columns.pool_of >= 0)
        for placed, j in zip(result.placements, rows, strict=True):
            job = columns.job(int(j)) if columns is not None else market.jobs[int(j)]  # type: ignore[index]
            state.occupy(placed, job.units, job.voucher_pot)
        return state
    return State(market, certificate, carbon_price_fen_per_kg or 0.0, hours or 168)


def place_incremental(state: State, given: Sequence[Job] | JobColumns) -> Incremental:
    """Place jobs in the order given against ``state`` (which is changed): where each is worth most
    at the stored scarcity prices; when that is nowhere, at true cost."""
    if isinstance(given, JobColumns):
        columns, jobs = given, given.to_jobs()
    else:
        columns, jobs = JobColumns.from_jobs(given), list(given)
    admit_jobs(columns)
    admit_unique([job.job_id for job in jobs], "jobs", "job_id")
    for row, job in enumerate(jobs):
        if job.job_id in state._taken:
            refuse("already_placed", f"job {job.job_id!r} is placed already",
                   f"作业 {job.job_id!r} 已放置", "jobs", row, "job_id")  # fmt: skip
    n = len(jobs)
    if n == 0:
        return Incremental([], [])
    wants, where, pots = _wants(state, jobs, columns)
    live = Live(
        free=state.residual,
        true=state.true.pool,
        paid=state.paid,  # type: ignore[arg-type]
        pot=np.array([pots.get(job.voucher_pot or "", -1) for job in jobs], np.int32),
        rate=columns.voucher_rate_e4,
        cap=columns.voucher_cap_fen,
        left=np.array([state.pots_left[name] for name in pots] or [0], np.int64),
        hours_of=np.zeros((int(columns.interruptible.sum()), state.hours), np.bool_),
    )
    pool_of, start_of = np.full(n, -1, np.int32), np.zeros(n, np.int32)
    way_of, held = np.zeros(n, np.int8), np.zeros(n, np.int64)
    none = np.full(n, -1, np.int32), np.zeros(n, np.int32), np.zeros(n, np.int8)
    part = np.zeros(1, np.int64)
    order = np.arange(n)
    before = state.residual.copy()
    for measure in (state.scarce, state.true):
        place_jobs(order, 0, n, wants, where, measure, live, part, -1, *none,
                   pool_of, start_of, way_of, held)  # fmt: skip
    state.residual[:] = before  # taken again below, one placement at a time, with its record
    placements = []
    left_out = np.flatnonzero(pool_of < 0)
    unplaced = _reasons(state, wants, where, live, jobs, left_out) if len(left_out) else []
    for j in np.flatnonzero(pool_of >= 0).tolist():
        placed, hours = _placement(
            state, jobs[j], columns, wants, live, j, pool_of, start_of, way_of
        )
        state._take(placed, int(pool_of[j]), hours, jobs[j].units, jobs[j].voucher_pot)
        placements.append(placed)
    return Incremental(placements, unplaced)


def _wants(
    state: State, jobs: Sequence[Job], columns: JobColumns
) -> tuple[Wants, Where, dict[str, int]]:
    """Rows for the kernels. Combination a: where it may run; b: where a voucher holds too."""
    members: list[NDArray[np.int64]] = []
    combos: dict[tuple[object, ...], int] = {}
    pots = {name: k for k, name in enumerate(state.pots_left)}
    n = len(jobs)
    combo = np.full((2, n), -1, np.int32)
    for j, job in enumerate(jobs):
        keys: list[tuple[object, ...]] = [(job.kinds, job.regions, job.labels, job.max_pue, None)]
        if job.voucher_rate > 0:
            keys.append((*keys[0][:4], job.voucher_regions))
        for way, key in enumerate(keys):
            if key not in combos:
                able = state.mask("kind", job.kinds) & state.mask("region", job.regions)
                able = able & state.mask("label", job.labels)
                if job.max_pue is not None:
                    able = able & (state._pue <= job.max_pue)
                if way:
                    able = able & state.mask("region", job.voucher_regions)
                combos[key] = len(members)
                members.append(np.flatnonzero(able))
            combo[way, j] = combos[key]
    value = columns.max_price_fen_per_unit_hour.astype(np.float64)
    volume = columns.units.astype(np.float64) * columns.duration_hours
    lifted = value / (1 - columns.voucher_rate_e4 / RATE_SCALE)
    capped = np.where(
        columns.voucher_cap_fen >= 0, value + columns.voucher_cap_fen / volume, np.inf
    )
    split = np.full(n, -1, np.int32)
    split[columns.interruptible] = np.arange(int(columns.interruptible.sum()))
    none = np.full(n, -1, np.int64)
    last = np.minimum(columns.deadline_hour, state.hours) - columns.duration_hours
    wants = Wants(
        columns.units.astype(np.int32), columns.duration_hours.astype(np.int32),
        columns.earliest_hour.astype(np.int32), last.astype(np.int32), columns.min_green_tier,
        columns.units.astype(np.int32), combo[0], combo[1], value, np.minimum(lifted, capped),
        np.zeros(n), np.zeros(n), none, none, split,
    )  # fmt: skip
    return wants, state._where(members), pots


def _placement(  # type: ignore[no-untyped-def]
    state, job, columns, wants, live, j, pool_of, start_of, way_of
) -> tuple[Placement, NDArray[np.int64]]:
    pool, row, start = int(pool_of[j]), int(wants.split[j]), int(start_of[j])
    if row < 0:
        end = start + job.duration_hours
        hours = np.arange(start, end)
        segments: tuple[tuple[int, int], ...] = ((start, end),)
        gross = job.units * int(state.paid[pool, end] - state.paid[pool, start])
        kg = job.units * float(state.kg[pool, end] - state.kg[pool, start])
    else:
        hours = np.flatnonzero(live.hours_of[row])
        cuts = np.flatnonzero(np.diff(hours) > 1)
        begins, ends = [hours[0], *hours[cuts + 1]], [*hours[cuts], hours[-1]]
        segments = tuple((int(a), int(b) + 1) for a, b in zip(begins, ends, strict=True))
        gross = job.units * int(state.inst.price[pool, hours].sum())
        kg = job.units * float(state.inst.kg[pool, hours].sum())
    in_voucher = bool(job.voucher_rate > 0 and state.mask("region", job.voucher_regions)[pool])
    pays = 0
    if in_voucher and (live.pot[j] < 0 or way_of[j] == 1):
        pays = gross * int(columns.voucher_rate_e4[j]) // RATE_SCALE
        pays = pays if job.voucher_cap_fen is None else min(pays, job.voucher_cap_fen)
    return Placement(
        job.job_id,
        state.pools[pool].pool_id,
        segments,
        gross,
        pays,
        float(job.units * state.inst.kwh[pool] * job.duration_hours),
        kg if state.inst.carbon_known else None,
    ), hours


def _reasons(
    state: State,
    wants: Wants,
    where: Where,
    live: Live,
    jobs: Sequence[Job],
    rows: NDArray[np.int64],
) -> list[Unplaced]:
    """The first reason of ``REASONS`` that holds, for each of the jobs ``rows``."""
    why = [_static(state, wants, where, jobs[j], j) for j in rows.tolist()]
    open_ = np.array([code is None for code in why], np.bool_)
    if open_.any():
        codes = np.array(
            [REASON_CODES.index(x) for x in ("window", "price", "carbon", "pot", "capacity")]
        )
        found = np.full(int(open_.sum()), -1, np.int8)
        fresh = live._replace(
            free=np.maximum(state.open, 0), left=np.full(len(live.left), 2**62, np.int64)
        )
        _look_again(
            rows[open_], wants, where, state.true, state.price_only, fresh, live.left, codes, found
        )
        answers = iter(found.tolist())
        why = [code or REASON_CODES[next(answers)] for code in why]
    return [
        Unplaced(jobs[j].job_id, code, *REASONS[code])
        for j, code in zip(rows.tolist(), why, strict=True)
        if code is not None
    ]


def _static(state: State, wants: Wants, where: Where, job: Job, j: int) -> str | None:
    """A reason that needs no clock; None when some pool could take it."""
    able = np.ones(len(state.pools), np.bool_)
    tests: list[tuple[str, NDArray[np.bool_]]] = [
        ("kind", state.mask("kind", job.kinds)),
        ("region", state.mask("region", job.regions)),
        ("label", state.mask("label", job.labels)),
        ("rating", state.inst.tier >= (job.min_green_tier or 0)),
        ("pue", state._pue <= (job.max_pue or np.inf)),
        ("size", where.cell_size >= job.units),
    ]
    for code, passes in tests:
        able = able & passes
        if not able.any():
            return code
    return "horizon" if wants.last[j] < wants.first[j] else None
