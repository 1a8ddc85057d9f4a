"""A named data set of claims: a CSV file, or recorded facts, as columns for the simulator."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vouchers.rules.answers import RuleError
from vouchers.rules.canonical import digest
from vouchers.rules.facts import CATALOGUE

MOST_ROWS = 1_000_000


@dataclass(frozen=True)
class DataSet:
    """columns: fact → values; on: civil days; enterprise: ids. digest names the content."""

    columns: Mapping[str, NDArray[Any]]
    on: NDArray[np.datetime64]
    enterprise: NDArray[Any]
    digest: str


def read_csv(text: str) -> DataSet:
    """Rows with `enterprise`, `on` (YYYY-MM-DD) and one column a fact; true/false for yes/no.

    Raises RuleError naming the column or row that is wrong.
    """
    reader = csv.DictReader(io.StringIO(text))
    names = reader.fieldnames or []
    for needed in ("enterprise", "on"):
        if needed not in names:
            raise _wrong(needed, f"the column {needed} is missing", f"缺少列 {needed}")
    for name in names:
        if name not in ("enterprise", "on") and name not in CATALOGUE:
            raise _wrong(name, f"there is no fact {name}", f"没有名为 {name} 的事实")
    rows: list[dict[str, Any]] = []
    for number, row in enumerate(reader, start=2):
        if number > MOST_ROWS + 1:
            raise _wrong("on", f"more than {MOST_ROWS} rows", f"超过 {MOST_ROWS} 行")
        if None in row or None in row.values():
            raise _wrong(f"row {number}", "another number of cells", "单元格数量不符")
        try:
            rows.append({name: _read(name, str(cell)) for name, cell in row.items()})
        except ValueError as error:
            raise _wrong(f"row {number}", f"{error}", f"{error}") from error
    return of_rows(rows)


def of_rows(rows: Sequence[Mapping[str, Any]]) -> DataSet:
    """Rows of facts with `enterprise` and `on`; a fact not in every row is left out."""
    if not rows:
        raise _wrong("data", "the data set is empty", "数据集为空")
    shared = set(rows[0]).intersection(*rows) - {"enterprise", "on"}
    columns = {name: _column(name, [row[name] for row in rows]) for name in sorted(shared)}
    return DataSet(
        columns,
        np.array([row["on"] for row in rows], dtype="datetime64[D]"),
        np.array([str(row["enterprise"]) for row in rows]),
        digest([{name: str(row[name]) for name in sorted(row)} for row in rows]),
    )


def _read(name: str, cell: str) -> Any:
    if name == "enterprise":
        return cell
    if name == "on":
        return date.fromisoformat(cell)
    kind = CATALOGUE[name].type
    if kind in ("fen", "int"):
        if not cell.isascii() or not cell.isdigit():
            raise ValueError(f"{name}: {cell!r} is not a whole number")
        return int(cell)
    if kind == "bool":
        if cell not in ("true", "false"):
            raise ValueError(f"{name}: {cell!r} is neither true nor false")
        return cell == "true"
    return cell


def _column(name: str, values: list[Any]) -> NDArray[Any]:
    kind = CATALOGUE[name].type
    if kind in ("fen", "int"):
        return np.array(values, dtype=np.int64)
    if kind == "bool":
        return np.array(values, dtype=bool)
    if kind in ("texts", "items"):
        return np.array([str(value) for value in values])
    return np.array(values)


def _wrong(field: str, english: str, chinese: str) -> RuleError:
    return RuleError("data_set_refused", field, english, chinese)
