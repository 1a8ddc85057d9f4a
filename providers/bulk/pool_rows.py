"""One row of a pool file: what it says, and everything that is wrong with it, by column."""

import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

from providers.units import DIMENSIONS

from .read_table import TOO_MANY
from .write_table import RUNS

SHANGHAI = ZoneInfo("Asia/Shanghai")
LATENCY = ("within_1_ms", "within_5_ms", "within_20_ms", "above_20_ms")
# column -> its Chinese name; the first five must be given
COLUMNS = {
    "facility": "数据中心",
    "code": "资源池编号",
    "accelerator": "加速卡型号",
    "units": "数量",
    "kw_per_unit": "单卡功率_kW",
    "slice_id": "统一算力标识",
    "price_unit": "计价单位",
    "price_fen": "单价_分",
    "price_starts_at": "价格生效时间",
    "available_from": "可用起",
    "available_until": "可用止",
    "network_latency": "网络时延等级",
    "data_residency": "数据驻留",
    "sla_availability": "可用性承诺",
}
REQUIRED = ("facility", "code", "accelerator", "units", "kw_per_unit")
UNITS = {"卡时": "card_hour", "核时": "core_hour", **{unit: unit for unit in DIMENSIONS}}
UNITS |= {f"P·h@{unit[12:].upper()}": unit for unit in DIMENSIONS if unit.startswith("pflops")}
NAMES = {**{zh: name for name, zh in COLUMNS.items()}, **{name: name for name in COLUMNS}}


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong in one column of a row, for a person and by code."""

    column: str
    code: str
    text_en: str
    text_zh: str

    def as_dict(self) -> dict[str, str]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class PoolRow:
    """A pool as a row gives it; None = not given. Times are aware, prices in fen per price_unit."""

    facility: str
    code: str
    accelerator: str
    units: int
    kw_per_unit: Decimal
    slice_id: str | None = None
    price_unit: str | None = None
    price_fen: Decimal | None = None
    price_starts_at: datetime | None = None
    available_from: datetime | None = None
    available_until: datetime | None = None
    network_latency: str | None = None
    data_residency: str | None = None
    sla_availability: Decimal | None = None


class _Reader:
    def __init__(self, cells: dict[str, str]) -> None:
        self.problems: list[Problem] = []
        self.cells: dict[str, str] = {}
        for given, text in cells.items():
            name = NAMES.get(given)
            if name is None:
                self.wrong(given, "unknown_column", "no such column", "没有这一列")
            else:
                self.cells[name] = text

    def wrong(self, column: str, code: str, en: str, zh: str) -> None:
        self.problems.append(Problem(column, code, en, zh))

    def text(self, column: str, longest: int = 200) -> str | None:
        text = self.cells.get(column, "")
        if not text:
            if column in REQUIRED:
                self.wrong(column, "missing", "must be given", "必填")
            return None
        if text.startswith(RUNS):
            self.wrong(column, "formula", "looks like a formula", "疑似公式")
        elif len(text) > longest or any(ord(c) < 32 for c in text):
            self.wrong(
                column, "bad_text", f"at most {longest} characters", f"最多 {longest} 个字符"
            )
        return text

    def number(self, column: str, least: str, most: str, places: int) -> Decimal | None:
        text = self.cells.get(column, "")
        if not text:
            if column in REQUIRED:
                self.wrong(column, "missing", "must be given", "必填")
            return None
        if text.startswith("="):
            self.wrong(column, "formula", "a formula; put its value", "为公式，请改填数值")
            return None
        try:
            value = Decimal(text)
            if not value.is_finite():
                raise InvalidOperation
        except InvalidOperation:
            self.wrong(column, "not_a_number", "must be a number", "须为数值")
            return None
        if not Decimal(least) <= value <= Decimal(most):
            self.wrong(column, "out_of_range", f"from {least} to {most}", f"须在 {least} 至 {most}")
            return None
        if value != value.quantize(Decimal(1).scaleb(-places)):
            self.wrong(column, "too_fine", f"at most {places} decimals", f"最多 {places} 位小数")
            return None
        return value

    def moment(self, column: str) -> datetime | None:
        text = self.cells.get(column, "")
        if not text:
            return None
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            self.wrong(column, "not_a_time", "must be YYYY-MM-DD or RFC 3339", "须为日期或时间")
            return None
        return moment if moment.tzinfo else moment.replace(tzinfo=SHANGHAI)

    def one_of(self, column: str, known: dict[str, str]) -> str | None:
        text = self.cells.get(column, "")
        if text and text not in known:
            names = ", ".join(dict.fromkeys(known.values()))
            self.wrong(column, "unknown_value", f"one of {names}", f"须为 {names} 之一")
        return known.get(text)


def header_problem(columns: Iterable[str]) -> tuple[str, str] | None:
    """What is wrong with the columns of a file, in both languages; None when they will do."""
    given = [name for name in columns if name != TOO_MANY]
    named = [NAMES[name] for name in given if name in NAMES]
    unknown = [name for name in given if name not in NAMES]
    missing = [name for name in REQUIRED if name not in named]
    twice = sorted({name for name in named if named.count(name) > 1})
    for names, en, zh in (
        (unknown, "no such column", "没有这一列"),
        (missing, "a column is missing", "缺少列"),
        (twice, "a column is named twice", "列名重复"),
    ):
        if names:
            listed = ", ".join(name[:40] for name in names[:10])
            return f"{en}: {listed}", f"{zh}：{listed}"
    return None


def read_pool(cells: dict[str, str]) -> tuple[PoolRow | None, list[Problem]]:
    """The pool of a row, or None with every problem the row has on its own.

    Civil times without an offset are Asia/Shanghai.
    """
    reader = _Reader(cells)
    units = reader.number("units", "1", "1000000", 0)
    said: dict[str, Any] = {
        "facility": reader.text("facility"),
        "code": reader.text("code", 100),
        "accelerator": reader.text("accelerator"),
        "units": None if units is None else int(units),
        "kw_per_unit": reader.number("kw_per_unit", "0.0001", "99999", 4),
        "slice_id": reader.text("slice_id"),
        "price_unit": reader.one_of("price_unit", UNITS),
        "price_fen": reader.number("price_fen", "0", "1000000000", 6),
        "price_starts_at": reader.moment("price_starts_at"),
        "available_from": reader.moment("available_from"),
        "available_until": reader.moment("available_until"),
        "network_latency": reader.one_of("network_latency", {name: name for name in LATENCY}),
        "data_residency": reader.text("data_residency", 6),
        "sla_availability": reader.number("sla_availability", "0", "1", 6),
    }
    if said["price_fen"] is not None and said["price_unit"] is None:
        reader.wrong("price_unit", "missing", "a price needs its unit", "有价格须有计价单位")
    if said["price_unit"] == "tb_month":
        reader.wrong("price_unit", "dimension", "a pool of cards sells no storage", "量纲不符")
    if said["data_residency"] and not re.fullmatch(r"[0-9]{6}|CN", said["data_residency"]):
        reader.wrong("data_residency", "unknown_value", "a GB/T 2260 code or CN", "须为行政区划码")
    starts, ends = said["available_from"], said["available_until"]
    if ends is not None and (starts is None or ends <= starts):
        reader.wrong("available_until", "order", "must be after available_from", "须晚于可用起")
    if reader.problems:
        return None, reader.problems
    return PoolRow(**said), []


def as_json(row: PoolRow) -> dict[str, Any]:
    """The row as it is stored; texts for numbers and times."""
    stored: dict[str, Any] = {}
    for field in fields(row):
        value = getattr(row, field.name)
        if isinstance(value, Decimal):
            value = format(value, "f")
        elif isinstance(value, datetime):
            value = value.isoformat()
        stored[field.name] = value
    return stored
