"""From arrays to a Plan: money in whole fen, energy, carbon, reasons, certificate."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .cells import lay_out
from .diagnose import diagnose
from .encode import Instance
from .market import Market
from .result import Certificate, PlanColumns
from .search import Live
from .solve import Solution, measures


def columns_of(inst: Instance, market: Market, found: Solution) -> PlanColumns:
    """Exact figures of every placement, and a reason for every job without one."""
    n, hours = inst.n, inst.hours
    split_of = np.full(n, -1, np.int32)
    split_of[inst.interruptible] = np.arange(int(inst.interruptible.sum()))
    placed = np.flatnonzero(found.pool_of >= 0)
    pool, start = found.pool_of[placed], found.start_of[placed]
    end = start + inst.duration[placed]

    def over(figures: NDArray[Any]) -> NDArray[Any]:
        """sum of figures[pool, its hours] for every placed job."""
        prefix = np.zeros((figures.shape[0], hours + 1), figures.dtype)
        np.cumsum(figures, axis=1, out=prefix[:, 1:])
        total = prefix[pool, end] - prefix[pool, start]
        rows = split_of[placed]
        for k in np.flatnonzero(rows >= 0):
            total[k] = figures[pool[k]][found.hours_of[rows[k]]].sum()
        return total

    end = np.where(split_of[placed] >= 0, start, end)
    units = inst.units[placed].astype(np.int64)
    price = np.zeros(n, np.int64)
    price[placed] = units * over(inst.price)
    uses = np.zeros(n, np.bool_)
    sets = np.maximum(inst.voucher_set[placed], 0)
    uses[placed] = (inst.voucher_set[placed] >= 0) & inst.site_sets[sets, inst.site[pool]]
    potted = inst.pot >= 0
    uses[potted] &= found.way_of[potted] == 1
    voucher = np.where(uses, price * inst.rate // 10_000, 0)
    voucher = np.where(uses & (inst.cap >= 0), np.minimum(voucher, inst.cap), voucher)
    kwh = np.zeros(n)
    kwh[placed] = units * inst.kwh[pool] * inst.duration[placed]
    kg = np.zeros(n)
    kg[placed] = units * over(inst.kg)
    if not inst.carbon_known:
        kg[:] = np.nan
    value = np.where(uses, inst.value_voucher, inst.value)
    weight = np.zeros(n)
    gross = units * value[placed] * inst.duration[placed]
    weight[placed] = gross - price[placed] - inst.carbon_price * np.nan_to_num(kg[placed])
    reason = np.full(n, -1, np.int8)
    left_out = np.flatnonzero(found.pool_of < 0)
    if len(left_out):
        reason[left_out] = _reasons(inst, market, found, left_out, voucher)
    return PlanColumns(
        inst.columns.job_ids, inst.pool_ids, found.pool_of, found.start_of, inst.duration,
        split_of, found.hours_of, price, voucher, kwh, kg, reason, uses, weight,
    )  # fmt: skip


def _reasons(
    inst: Instance,
    market: Market,
    found: Solution,
    left_out: NDArray[np.int64],
    voucher: NDArray[np.int64],
) -> NDArray[np.int8]:
    inst = replace(inst, free=inst.opened)
    layout = lay_out(inst)
    block = 1e15
    _, true = measures(inst, layout, layout.floor, block)
    bare = lay_out(inst)
    bare.floor[:] = np.inf
    np.minimum.at(
        bare.floor, layout.where.cell_of_pool, np.where(inst.free > 0, inst.price, np.inf)
    )
    bare.floor[~np.isfinite(bare.floor)] = 0.0
    cost, inst.cost = inst.cost, inst.price.astype(np.float64)
    _, price_only = measures(inst, bare, bare.floor, block)
    inst.cost = cost
    spent = np.bincount(
        inst.pot[inst.pot >= 0], voucher[inst.pot >= 0].astype(np.float64), len(inst.pot_fen)
    )
    live = Live(
        free=inst.free,
        true=true.pool,
        paid=price_only.pool.astype(np.int64),
        pot=inst.pot[layout.order],
        rate=inst.rate[layout.order],
        cap=inst.cap[layout.order],
        left=np.full(len(inst.pot_fen), 2**62, np.int64),
        hours_of=np.zeros((0, inst.hours), np.bool_),
    )
    pot_left = inst.pot_fen - np.ceil(spent).astype(np.int64)
    return diagnose(inst, layout, list(market.pools), left_out, true, price_only, live, pot_left)


def certify(
    inst: Instance,
    found: Solution,
    columns: PlanColumns,
    *,
    method: str = "prices",
    solver_bound: float | None = None,
) -> Certificate:
    """gap = 1 - objective / bound, 0 when both are 0."""
    objective = float(columns.weight_fen.sum())
    price_bound = max(found.bound, objective)
    bound = price_bound if solver_bound is None else max(objective, min(price_bound, solver_bound))
    placed = columns.pool_of >= 0
    hours = inst.units.astype(np.int64) * inst.duration
    capacity = int(inst.free.sum(dtype=np.int64))
    return Certificate(
        objective_fen=objective,
        bound_fen=bound,
        gap=0.0 if bound <= 0 else 1 - objective / bound,
        method=method,
        price_bound_fen=price_bound,
        pool_ids=tuple(inst.pool_ids),
        cell_of_pool=found.cell_of_pool,
        cell_prices=found.prices,
        pot_prices={name: float(found.pot_prices[k]) for k, name in enumerate(inst.pot_names)},
        floor_prices={
            str(name): float(found.floor_prices[k])
            for k, name in enumerate(inst.columns.group_names)
            if inst.floors[k] > 0
        },
        counts={
            "jobs": inst.n,
            "placed": int(placed.sum()),
            "unplaced": int((~placed).sum()),
            "served_share": float(placed.mean()) if inst.n else 1.0,
            "unit_hours_asked": int(hours.sum()),
            "unit_hours_placed": int(hours[placed].sum()),
            "unit_hours_free": capacity,
            "pools": len(inst.pool_ids),
            "cells": int(found.prices.shape[0]),
        },
        solver_bound_fen=solver_bound,
    )
