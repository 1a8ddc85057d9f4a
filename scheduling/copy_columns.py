"""Columns of whole numbers between PostgreSQL and NumPy by COPY in binary: no object per row.

Every column is bigint or double precision and never null, so a million
rows are one buffer. https://www.postgresql.org/docs/current/sql-copy.html ("Binary Format").
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

_SIGNATURE = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TRAILER = b"\xff\xff"
_WIDTH = 8  # bigint and double precision alike
_CHUNK = 1 << 22


def _row(kinds: Mapping[str, str]) -> np.dtype[Any]:
    fields: list[tuple[str, str]] = [("fields", ">i2")]
    for name, kind in kinds.items():
        fields += [(f"{name} width", ">i4"), (name, f">{kind}8")]
    return np.dtype(fields)


def copy_out(cursor: Any, query: str, kinds: Mapping[str, str]) -> dict[str, NDArray[Any]]:
    """The rows of `query` as one native array a column; `kinds` is name -> "i" or "f", in order.

    The server gathers each column into one array, so that a million rows come as one message.
    `query` is one of ours with literals only, never text from outside. Raises ValueError when a
    value is null or of another width.
    """
    gathered = ", ".join(f'array_agg("{name}")' for name in kinds)
    read = f"SELECT {gathered} FROM ({query}) AS rows"  # noqa: S608
    with cursor.copy(f"COPY ({read}) TO STDOUT (FORMAT BINARY)") as copy:
        body = b"".join(copy)
    columns, at = {}, len(_SIGNATURE) + 2  # the row's count of fields
    for name, kind in kinds.items():
        size = int.from_bytes(body[at : at + 4], "big", signed=True)
        at += 4
        columns[name] = _unpack_array(body, at, size, kind)
        at += max(0, size)
    return columns


def _unpack_array(body: bytes, at: int, size: int, kind: str) -> NDArray[Any]:
    """One array in binary: dimensions, has nulls, type, (length, lower bound), then the values."""
    if size < 0:  # null: no rows
        return np.zeros(0, f"{kind}8")
    values = np.dtype([("width", ">i4"), ("value", f">{kind}8")])
    dimensions, nulls, _type, count, _lower = np.frombuffer(body, ">i4", 5, at).tolist()
    if dimensions != 1 or nulls or size != 20 + count * values.itemsize:
        raise ValueError("a column holds a null or is not eight bytes wide")
    rows = np.frombuffer(body, values, count, at + 20)
    if not (rows["width"] == _WIDTH).all():
        raise ValueError("a column holds a null or is not eight bytes wide")
    return rows["value"].astype(f"{kind}8")


def copy_in(cursor: Any, table: str, columns: Mapping[str, NDArray[Any]]) -> int:
    """Append `columns` (equally long) to `table`, whose columns they name; returns the rows."""
    kinds = {name: "f" if column.dtype.kind == "f" else "i" for name, column in columns.items()}
    count = len(next(iter(columns.values())))
    rows = np.empty(count, _row(kinds))
    rows["fields"] = len(kinds)
    for name, column in columns.items():
        rows[f"{name} width"] = _WIDTH
        rows[name] = column
    names = ", ".join(f'"{name}"' for name in columns)
    with cursor.copy(f"COPY {table} ({names}) FROM STDIN (FORMAT BINARY)") as copy:
        copy.write(_SIGNATURE)
        body = rows.tobytes()
        for start in range(0, len(body), _CHUNK):
            copy.write(body[start : start + _CHUNK])
        copy.write(_TRAILER)
    return count
