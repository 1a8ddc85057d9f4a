"""Columns of whole numbers between PostgreSQL and NumPy by COPY in binary: no object per row.

Every column is bigint or double precision and never null, so a row has a fixed width and a million
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

    `query` is one of ours with literals only, never text from outside. Raises ValueError when a
    value is null or of another width.
    """
    with cursor.copy(f"COPY ({query}) TO STDOUT (FORMAT BINARY)") as copy:
        body = b"".join(copy)
    row = _row(kinds)
    rows = np.frombuffer(body, row, count=(len(body) - 21) // row.itemsize, offset=19)
    if len(body) != 21 + len(rows) * row.itemsize or not all(
        (rows[f"{name} width"] == _WIDTH).all() for name in kinds
    ):
        raise ValueError("a column holds a null or is not eight bytes wide")
    return {name: rows[name].astype(f"{kind}8") for name, kind in kinds.items()}


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
