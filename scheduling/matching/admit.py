"""Refusals in detail: every figure of a market is looked at before anything is planned."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from .columns import RATE_SCALE, JobColumns
from .errors import MarketError
from .market import CarbonSeries, Pool

MAX_PRICE_FEN = 10**8
MAX_UNITS = 10**7
MAX_HOURS = 1024


def refuse(
    code: str, en: str, zh: str, table: str, row: int | None = None, field: str | None = None
) -> NoReturn:
    raise MarketError(code, text_en=en, text_zh=zh, table=table, row=row, field=field)


def admit_horizon(hours: int, carbon_price: float, pools: int) -> None:
    if isinstance(hours, bool) or not isinstance(hours, int) or not 1 <= hours <= MAX_HOURS:
        refuse("bad_hours", f"hours must be 1..{MAX_HOURS}", f"小时数须为 1..{MAX_HOURS}", "market")
    if not (np.isfinite(carbon_price) and 0 <= carbon_price <= 1e6):
        refuse(
            "bad_carbon_price", "carbon price must be 0..1,000,000 fen/kg", "碳价超出范围", "market"
        )
    if pools == 0:
        refuse("no_pool", "the market has no pool", "市场中没有资源池", "market")


def whole(value: object, low: int, high: int, table: str, row: int, field: str) -> int:
    """An integer within [low, high]; booleans, floats and NaN are refused."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        refuse("not_whole", f"{field} must be a whole number, got {value!r}",
               f"{field} 必须为整数，实际为 {value!r}", table, row, field)  # fmt: skip
    number = int(value)
    if not low <= number <= high:
        refuse("out_of_range", f"{field} must be {low}..{high}, got {number}",
               f"{field} 须在 {low}..{high} 之间，实际为 {number}", table, row, field)  # fmt: skip
    return number


def number(value: object, low: float, high: float, table: str, row: int, field: str) -> float:
    """A finite float within [low, high]."""
    try:
        figure = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        figure = float("nan")
    if not low <= figure <= high:
        refuse("out_of_range", f"{field} must be {low:g}..{high:g}, got {value!r}",
               f"{field} 须在 {low:g}..{high:g} 之间，实际为 {value!r}",
               table, row, field)  # fmt: skip
    return figure


def by_hour(
    value: object, hours: int, low: float, high: float, table: str, row: int, field: str
) -> NDArray[np.float64]:
    """One figure or one per hour -> [hours]."""
    if np.ndim(value) == 0:  # type: ignore[arg-type]
        return np.full(hours, number(value, low, high, table, row, field))
    try:
        series = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        series = np.full(1, np.nan)
    if series.ndim != 1 or len(series) < hours:
        refuse("too_short", f"{field} needs one figure per hour ({hours})",
               f"{field} 须逐小时给出（{hours} 个）", table, row, field)  # fmt: skip
    series = series[:hours]
    wrong = ~((series >= low) & (series <= high))
    if wrong.any():
        hour = int(np.argmax(wrong))
        refuse("out_of_range", f"{field} at hour {hour} must be {low:g}..{high:g}",
               f"{field} 在第 {hour} 小时须在 {low:g}..{high:g} 之间",
               table, row, field)  # fmt: skip
    return series


def admit_unique(ids: Sequence[str], table: str, field: str) -> None:
    if len(set(ids)) == len(ids):
        return
    seen: set[str] = set()
    for row, key in enumerate(ids):
        if key in seen:
            refuse("duplicate_id", f"{field} {key!r} appears twice", f"{field} {key!r} 重复",
                   table, row, field)  # fmt: skip
        seen.add(key)


def capacity_of(pool: Pool, hours: int, row: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """(open, free) units per hour: open is 0 outside the windows, free is less what is occupied."""
    units = whole(pool.units, 1, MAX_UNITS, "pools", row, "units")
    free = np.full(hours, units, np.int64)
    if pool.available is not None:
        free[:] = 0
        for window in pool.available:
            start = whole(window[0], 0, 10**6, "pools", row, "available")
            end = whole(window[1], 0, 10**6, "pools", row, "available")
            if end <= start:
                refuse("empty_window", f"window {start}-{end} ends before it starts",
                       f"时间窗 {start}-{end} 的结束早于开始",
                       "pools", row, "available")  # fmt: skip
            free[start:end] = units
    opened = free
    if pool.occupied is not None:
        taken = by_hour(pool.occupied, hours, 0, MAX_UNITS, "pools", row, "occupied")
        free = np.maximum(0, free - np.ceil(taken).astype(np.int64))
    return opened.astype(np.int32), free.astype(np.int32)


def carbon_of(carbon: CarbonSeries, region: str, hours: int, row: int) -> NDArray[np.float64]:
    """kg per kWh by hour for a pool's region: its own series, else prefecture, else province."""
    chain = [region]
    if len(region) == 6 and region.isdigit():
        chain += [region[:4] + "00", region[:2] + "0000"]
    for key in chain:
        if key in carbon.kg_per_kwh:
            return by_hour(carbon.kg_per_kwh[key], hours, 0, 10, "carbon", row, "kg_per_kwh")
    refuse("no_carbon_data", f"no carbon series covers region {region!r}",
           f"区域 {region!r} 没有碳强度数据", "pools", row, "region")  # fmt: skip


def region_accepts(code: str, region: str) -> bool:
    """Does a job's region code take a pool in ``region``? See market.py."""
    if code == region:
        return True
    if len(code) == 6 and len(region) == 6 and code.isdigit() and region.isdigit():
        if code.endswith("0000"):
            return code[:2] == region[:2]
        return code.endswith("00") and code[:4] == region[:4]
    return False


def admit_jobs(jobs: JobColumns) -> None:
    """Ranges of every column; the first wrong row is named."""
    limits: list[tuple[str, NDArray[np.bool_], str, str, str]] = [
        ("units", (jobs.units < 1) | (jobs.units > MAX_UNITS), "out_of_range",
         f"units must be 1..{MAX_UNITS}", f"units 须在 1..{MAX_UNITS} 之间"),
        ("duration_hours", (jobs.duration_hours < 1) | (jobs.duration_hours > 10**6),
         "out_of_range", "duration_hours must be at least 1", "duration_hours 至少为 1"),
        ("earliest_hour", (jobs.earliest_hour < 0) | (jobs.earliest_hour > 10**6),
         "out_of_range", "earliest_hour must not be negative", "earliest_hour 不得为负"),
        ("deadline_hour", jobs.deadline_hour < jobs.earliest_hour + jobs.duration_hours,
         "deadline_too_early", "deadline_hour is before earliest_hour + duration_hours",
         "deadline_hour 早于 earliest_hour + duration_hours"),
        ("max_price_fen_per_unit_hour",
         (jobs.max_price_fen_per_unit_hour < 0)
         | (jobs.max_price_fen_per_unit_hour > MAX_PRICE_FEN),
         "out_of_range", f"max_price_fen_per_unit_hour must be 0..{MAX_PRICE_FEN}",
         f"max_price_fen_per_unit_hour 须在 0..{MAX_PRICE_FEN} 之间"),
        ("min_green_tier", (jobs.min_green_tier < 0) | (jobs.min_green_tier > 100),
         "out_of_range", "min_green_tier must be 0..100", "min_green_tier 须在 0..100 之间"),
        ("max_pue", ~(jobs.max_pue >= 1), "out_of_range", "max_pue must be at least 1",
         "max_pue 至少为 1"),
        ("voucher_rate", (jobs.voucher_rate_e4 < 0) | (jobs.voucher_rate_e4 >= RATE_SCALE),
         "rate_out_of_range", "voucher_rate must be at least 0 and below 1",
         "voucher_rate 须不小于 0 且小于 1"),
    ]  # fmt: skip
    for field, wrong, code, en, zh in limits:
        if wrong.any():
            refuse(code, en, zh, "jobs", int(np.argmax(wrong)), field)
