"""Spreadsheets in and out, without a database: bytes to checked rows, rows to bytes.

read_table(data, filename) -> rows of text by column, CSV (UTF-8 or GBK), XLSX or JSON
read_pool(cells) -> what a row says of a pool, and every problem with it
write_csv / write_xlsx / write_json    cells that a spreadsheet would run are made harmless
"""

from .pool_rows import COLUMNS, PoolRow, Problem, read_pool
from .read_table import MAX_BYTES, MAX_ROWS, read_table
from .write_table import write_csv, write_json, write_xlsx

__all__ = [
    "COLUMNS",
    "MAX_BYTES",
    "MAX_ROWS",
    "PoolRow",
    "Problem",
    "read_pool",
    "read_table",
    "write_csv",
    "write_json",
    "write_xlsx",
]
