"""CSV files in: the columns of docs/guides/match-files.md, refused with line and column."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .admit import refuse
from .columns import RATE_SCALE, JobColumns
from .market import CarbonSeries, Market, Pool

POOL_COLUMNS = (
    "pool_id", "kind", "region", "units", "price_fen_per_unit_hour", "kw_per_unit", "pue",
    "green_tier", "green_share", "available_from", "available_to",
)  # fmt: skip
HOURLY_COLUMNS = ("pool_id", "hour", "price_fen_per_unit_hour", "green_share")
JOB_COLUMNS = (
    "job_id", "kinds", "units", "duration_hours", "earliest_hour", "deadline_hour", "regions",
    "min_green_tier", "max_price_fen_per_unit_hour", "voucher_rate", "voucher_regions",
    "interruptible", "group",
)  # fmt: skip
CARBON_COLUMNS = ("region", "hour", "kg_per_kwh")
TRUE, FALSE = {"1", "true", "yes"}, {"", "0", "false", "no"}


def read_market(
    pools: Path, jobs: Path, carbon: Path | None, hourly: Path | None, hours: int
) -> Market:
    """Raises MarketError with ``row`` = the line of the file."""
    return Market(
        read_pools(pools, hourly, hours),
        read_jobs(jobs),
        read_carbon(carbon, hours) if carbon else None,
    )


def read_table(path: Path, table: str, columns: Sequence[str]) -> dict[str, list[str]]:
    """One list of trimmed texts per column, in file order; the header must be exactly known."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            reader = csv.reader(stream)
            header = [name.strip() for name in next(reader, [])]
            for name in columns:
                if name not in header:
                    refuse("missing_column", f"column {name} is missing", f"缺少列 {name}",
                           table, 1, name)  # fmt: skip
            for name in header:
                if name not in columns or header.count(name) > 1:
                    refuse("unknown_column", f"column {name!r} is unknown or twice",
                           f"列 {name!r} 未知或重复", table, 1, name)  # fmt: skip
            rows = []
            for line, row in enumerate(reader, start=2):
                if len(row) != len(header):
                    refuse("ragged_line", f"{len(row)} fields where {len(header)} are needed",
                           f"字段数为 {len(row)}，应为 {len(header)}", table, line)  # fmt: skip
                rows.append(row)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        refuse("unreadable", f"{path.name}: {error}", f"无法读取 {path.name}：{error}", table)
    turned = list(zip(*rows, strict=True)) if rows else [()] * len(header)
    return {
        name: [text.strip() for text in cells] for name, cells in zip(header, turned, strict=True)
    }


def figures(
    texts: Sequence[str], make: Callable[[str], Any], table: str, field: str, kind: type
) -> NDArray[Any]:
    """Texts -> array; the first that is not a (finite) number is refused with its line."""
    try:
        made: NDArray[Any] = np.array([make(text) for text in texts], dtype=kind)
        if made.dtype.kind != "f" or np.isfinite(made).all():
            return made
    except (ValueError, OverflowError):
        pass
    line, text = next((k, x) for k, x in enumerate(texts, start=2) if not _sound(x, make, kind))
    need = ("a whole number", "整数") if kind is np.int64 else ("a number", "数字")
    refuse("not_a_number", f"{field} must be {need[0]}, got {text!r}",
           f"{field} 必须为{need[1]}，实际为 {text!r}", table, line, field)  # fmt: skip


def _sound(text: str, make: Callable[[str], Any], kind: type) -> bool:
    try:
        return bool(np.isfinite(kind(make(text))))
    except (ValueError, OverflowError):
        return False


def read_pools(path: Path, hourly: Path | None, hours: int) -> list[Pool]:
    cells = read_table(path, "pools", POOL_COLUMNS)

    def column(name: str, make: Callable[[str], Any], kind: type) -> list[Any]:
        return figures(cells[name], make, "pools", name, kind).tolist()

    units = column("units", int, np.int64)
    price = column("price_fen_per_unit_hour", int, np.int64)
    kw, pue = column("kw_per_unit", float, np.float64), column("pue", float, np.float64)
    tier = column("green_tier", lambda x: int(x) if x else 0, np.int64)
    share = column("green_share", lambda x: float(x) if x else 0.0, np.float64)
    begin = column("available_from", lambda x: int(x) if x else 0, np.int64)
    end = column("available_to", lambda x: int(x) if x else hours, np.int64)
    for line, (key, kind, region) in enumerate(
        zip(cells["pool_id"], cells["kind"], cells["region"], strict=True), start=2
    ):
        for name, text in (("pool_id", key), ("kind", kind), ("region", region)):
            _token(text, line, "pools", name)
    seen: set[str] = set()
    for line, key in enumerate(cells["pool_id"], start=2):
        if key in seen:
            refuse("duplicate_id", f"pool_id {key!r} appears twice", f"pool_id {key!r} 重复",
                   "pools", line, "pool_id")  # fmt: skip
        seen.add(key)
    overrides = _read_hourly(hourly, set(cells["pool_id"]), hours) if hourly else {}
    pools = []
    for k, key in enumerate(cells["pool_id"]):
        if cells["green_tier"][k] and tier[k] < 1:
            refuse("out_of_range", "green_tier must be 1 or more; empty = unrated",
                   "green_tier 至少为 1，留空表示未评级", "pools", k + 2, "green_tier")  # fmt: skip
        prices: Any = price[k]
        shares: Any = share[k]
        if key in overrides:
            prices, shares = np.full(hours, price[k], np.int64), np.full(hours, share[k])
            for hour, new_price, new_share in overrides[key]:
                prices[hour] = prices[hour] if new_price is None else new_price
                shares[hour] = shares[hour] if new_share is None else new_share
        pools.append(
            Pool(
                key, cells["kind"][k], cells["region"][k], units[k], prices, kw[k], pue[k],
                tier[k] or None, shares, ((begin[k], end[k]),),
            )
        )  # fmt: skip
    return pools


def _read_hourly(
    path: Path, known: set[str], hours: int
) -> dict[str, list[tuple[int, int | None, float | None]]]:
    cells = read_table(path, "hourly", HOURLY_COLUMNS)
    hour = figures(cells["hour"], int, "hourly", "hour", np.int64).tolist()
    found: dict[str, list[tuple[int, int | None, float | None]]] = {}
    for k, key in enumerate(cells["pool_id"]):
        if key not in known:
            refuse("unknown_pool", f"pool {key!r} is not in the pools file",
                   f"资源池 {key!r} 不在资源池文件中", "hourly", k + 2, "pool_id")  # fmt: skip
        if hour[k] < 0:
            refuse("out_of_range", "hour must not be negative", "hour 不得为负",
                   "hourly", k + 2, "hour")  # fmt: skip
        pair: list[Any] = []
        for name, make in (("price_fen_per_unit_hour", int), ("green_share", float)):
            text = cells[name][k]
            try:
                pair.append(make(text) if text else None)
            except ValueError:
                refuse("not_a_number", f"{name} must be a number, got {text!r}",
                       f"{name} 必须为数字，实际为 {text!r}", "hourly", k + 2, name)  # fmt: skip
        if hour[k] < hours:
            found.setdefault(key, []).append((hour[k], pair[0], pair[1]))
    return found


def read_carbon(path: Path, hours: int) -> CarbonSeries:
    cells = read_table(path, "carbon", CARBON_COLUMNS)
    hour = figures(cells["hour"], int, "carbon", "hour", np.int64).tolist()
    kg = figures(cells["kg_per_kwh"], float, "carbon", "kg_per_kwh", np.float64).tolist()
    series: dict[str, NDArray[np.float64]] = {}
    for k, region in enumerate(cells["region"]):
        _token(region, k + 2, "carbon", "region")
        if hour[k] < 0 or not 0 <= kg[k] <= 10:
            field = "hour" if hour[k] < 0 else "kg_per_kwh"
            refuse("out_of_range", f"{field} is out of range", f"{field} 超出范围",
                   "carbon", k + 2, field)  # fmt: skip
        row = series.setdefault(region, np.full(hours, np.nan))
        if hour[k] < hours:
            if row[hour[k]] == row[hour[k]]:
                refuse("duplicate_id", f"region {region!r} hour {hour[k]} appears twice",
                       f"区域 {region!r} 第 {hour[k]} 小时重复",
                       "carbon", k + 2, "hour")  # fmt: skip
            row[hour[k]] = kg[k]
    for region, row in series.items():
        missing = np.flatnonzero(np.isnan(row))
        if len(missing):
            refuse("missing_hour", f"region {region!r} has no figure for hour {missing[0]}",
                   f"区域 {region!r} 缺少第 {missing[0]} 小时的数据",
                   "carbon", None, "hour")  # fmt: skip
    return CarbonSeries(dict(series))


def read_jobs(path: Path) -> JobColumns:
    cells = read_table(path, "jobs", JOB_COLUMNS)
    n = len(cells["job_id"])
    for line, text in enumerate(cells["job_id"], start=2):
        if not text:
            _token(text, line, "jobs", "job_id")

    def column(name: str, make: Callable[[str], Any] = int, kind: type = np.int64) -> NDArray[Any]:
        return figures(cells[name], make, "jobs", name, kind)

    tables: dict[str, dict[frozenset[str], int]] = {"kinds": {}, "regions": {}}

    def sets(name: str, table: str) -> NDArray[np.int32]:
        codes: dict[str, int] = {}
        for text in cells[name]:
            if text not in codes:
                wanted = frozenset(x.strip() for x in text.split("|") if x.strip())
                codes[text] = tables[table].setdefault(wanted, len(tables[table]))
        return np.array([codes[text] for text in cells[name]], np.int32)

    rate = column("voucher_rate", lambda x: float(x) if x else 0.0, np.float64)
    wrong = ~((rate >= 0) & (rate < 1))
    if wrong.any():
        line = int(np.argmax(wrong)) + 2
        refuse("rate_out_of_range", "voucher_rate must be at least 0 and below 1",
               "voucher_rate 须不小于 0 且小于 1", "jobs", line, "voucher_rate")  # fmt: skip
    stop = [text.lower() for text in cells["interruptible"]]
    for line, text in enumerate(stop, start=2):
        if text not in TRUE and text not in FALSE:
            refuse("not_a_flag", f"interruptible must be 0 or 1, got {text!r}",
                   f"interruptible 须为 0 或 1，实际为 {text!r}",
                   "jobs", line, "interruptible")  # fmt: skip
    groups: dict[str, int] = {"": 0}
    group = np.array([groups.setdefault(x, len(groups)) for x in cells["group"]], np.int32)
    return JobColumns(
        job_ids=np.array(cells["job_id"], dtype=object),
        units=column("units"),
        duration_hours=column("duration_hours"),
        earliest_hour=column("earliest_hour"),
        deadline_hour=column("deadline_hour"),
        max_price_fen_per_unit_hour=column("max_price_fen_per_unit_hour"),
        kinds=sets("kinds", "kinds"),
        regions=sets("regions", "regions"),
        min_green_tier=column("min_green_tier", lambda x: int(x) if x else 0).astype(np.int32),
        max_pue=np.full(n, np.inf),
        voucher_rate_e4=(rate * RATE_SCALE + 1e-6).astype(np.int64),
        voucher_regions=sets("voucher_regions", "regions"),
        voucher_cap_fen=np.full(n, -1, np.int64),
        voucher_pot=np.full(n, -1, np.int32),
        interruptible=np.array([text in TRUE for text in stop], np.bool_),
        labels=np.zeros(n, np.int32),
        group=group,
        kind_sets=list(tables["kinds"]) or [frozenset()],
        region_sets=list(tables["regions"]) or [frozenset()],
        group_names=list(groups),
    )


def _token(text: str, line: int, table: str, field: str) -> None:
    if not text or len(text) > 100 or "|" in text:
        refuse("bad_token", f"{field} must be 1..100 characters without '|', got {text!r}",
               f"{field} 须为 1 至 100 个字符且不含“|”，实际为 {text!r}",
               table, line, field)  # fmt: skip
