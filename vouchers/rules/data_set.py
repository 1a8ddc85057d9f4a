"""A named data set of claims for the simulator: a CSV or Parquet file, or recorded facts."""

import csv
import hashlib
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
    _check_names(reader.fieldnames or [])
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


def read_parquet(data: bytes) -> DataSet:
    """The columns of `read_csv`: fen and counts as integers, yes/no as booleans, days as dates or
    text, all else as text; no cell empty. Raises RuleError naming the column that is wrong."""
    # Nothing else needs the library, and a process that never reads Parquet need not load it.
    import pyarrow
    from pyarrow import parquet

    try:
        file = parquet.ParquetFile(pyarrow.BufferReader(data))
        if not 0 < file.metadata.num_rows <= MOST_ROWS:
            rows = file.metadata.num_rows
            raise _wrong(
                "data", f"{rows} rows, 1 to {MOST_ROWS}", f"{rows} 行，须为 1 至 {MOST_ROWS}"
            )
        _check_names(file.schema_arrow.names)
        table = file.read()
    except pyarrow.ArrowException as error:
        raise _wrong("data", "not a Parquet file", "不是 Parquet 文件") from error
    columns = {name: _arrow_column(name, table.column(name)) for name in table.column_names}
    on, enterprise = columns.pop("on"), columns.pop("enterprise")
    return DataSet(dict(sorted(columns.items())), on, enterprise, hashlib.sha256(data).hexdigest())


def _check_names(names: Sequence[str]) -> None:
    for needed in ("enterprise", "on"):
        if needed not in names:
            raise _wrong(needed, f"the column {needed} is missing", f"缺少列 {needed}")
    for name in names:
        if name not in ("enterprise", "on") and name not in CATALOGUE:
            raise _wrong(name, f"there is no fact {name}", f"没有名为 {name} 的事实")
        if list(names).count(name) > 1:
            raise _wrong(name, f"{name} stands here twice", f"列 {name} 重复")


def _arrow_column(name: str, column: Any) -> NDArray[Any]:
    """A Parquet column in the type its fact has, never converted by guess."""
    from pyarrow import types

    kind = "text" if name == "enterprise" else "day" if name == "on" else CATALOGUE[name].type
    sound: dict[str, Any] = {
        "fen": types.is_integer,
        "int": types.is_integer,
        "bool": types.is_boolean,
        "day": lambda type_: types.is_date(type_) or types.is_string(type_),
        "date": lambda type_: types.is_date(type_) or types.is_string(type_),
    }
    fits = sound.get(kind, lambda type_: types.is_string(type_) or types.is_large_string(type_))
    if column.null_count or not fits(column.type):
        raise _wrong(
            name,
            f"{column.type} with {column.null_count} empty cells, {kind} needed in each row",
            f"列类型 {column.type}、空值 {column.null_count} 个；每行须为 {kind}",
        )
    values = column.to_numpy()
    try:
        if kind == "day":
            return np.asarray(values, dtype="datetime64[D]")
        if kind == "date":
            return np.asarray(values, dtype="datetime64[D]").astype(str)
    except ValueError as error:
        raise _wrong(name, "not a day (YYYY-MM-DD)", "不是日期（YYYY-MM-DD）") from error
    if kind in ("fen", "int"):
        return _whole(name, values)
    return values.astype(bool) if kind == "bool" else values.astype(str)


def _whole(name: str, values: NDArray[Any]) -> NDArray[np.int64]:
    if values.min() < 0 or values.max() > np.iinfo(np.int64).max:
        raise _wrong(name, "below zero or too large", "小于零或过大")
    found: NDArray[np.int64] = values.astype(np.int64)
    return found


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
