"""From a file's bytes to rows of text by column name."""

import csv
import io
import json
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time
from typing import Any

from audit.decisions import Invalid

from .write_table import RUNS

MAX_BYTES = 40_000_000
MAX_ROWS = 200_000
MAX_UNPACKED_BYTES = 600_000_000  # an XLSX is a ZIP: what it unpacks to is asked before unpacking
MAX_COLUMNS = 100
TOO_MANY = "?"  # the name under which a row says that it has more cells than columns

Row = tuple[int, dict[str, str]]


def read_table(data: bytes, filename: str) -> Iterator[Row]:
    """(row number as a spreadsheet shows it, cells by column) of every row that is not empty.

    The first row names the columns; a JSON file is a list of objects, its first object row 2.
    Text is stripped, and the apostrophe that `write_csv` puts before a cell is taken off again. A
    formula of a workbook is its text, not a result that may be stale or was never computed.
    Raises Invalid("file") for bytes that are no such file, or too many of them.
    """
    if len(data) > MAX_BYTES:
        raise _wrong(f"larger than {MAX_BYTES // 10**6} MB", f"大于 {MAX_BYTES // 10**6} MB")
    if data[:4] == b"PK\x03\x04":
        rows = _with_header(_xlsx(data))
    elif filename.lower().endswith(".json") or data.lstrip()[:1] in (b"[", b"{"):
        rows = _json(data)
    else:
        rows = _with_header(_csv(data))
    for count, row in enumerate(rows):
        if count >= MAX_ROWS:
            raise _wrong(f"more than {MAX_ROWS} rows", f"超过 {MAX_ROWS} 行")
        yield row


def decoded(data: bytes) -> str:
    """UTF-8, with or without a mark, else GB 18030 (which contains GBK). Raises Invalid."""
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise _wrong("neither UTF-8 nor GBK text", "既不是 UTF-8 也不是 GBK 文本")


def _csv(data: bytes) -> Iterator[list[str]]:
    text = decoded(data)
    if "\x00" in text:
        raise _wrong("holds a NUL character", "含有 NUL 字符")
    first = text.partition("\n")[0]
    delimiter = max((",", "\t", ";"), key=first.count)
    try:
        yield from csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    except csv.Error as error:
        raise _wrong(f"not a CSV file: {error}", f"不是有效的 CSV：{error}") from error


def _xlsx(data: bytes) -> Iterator[list[str]]:
    from openpyxl import load_workbook

    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            unpacked = sum(entry.file_size for entry in packed.infolist())
        if unpacked > MAX_UNPACKED_BYTES:
            raise _wrong("unpacks to too much", "解压后过大")
        book = load_workbook(io.BytesIO(data), read_only=True)
        for cells in book.worksheets[0].iter_rows(values_only=True, max_col=MAX_COLUMNS):
            yield [_text(cell) for cell in cells]
    except (zipfile.BadZipFile, KeyError, ValueError, IndexError, OSError) as error:
        raise _wrong("not an XLSX file", "不是有效的 XLSX 文件") from error


def _json(data: bytes) -> Iterator[Row]:
    try:
        listed = json.loads(decoded(data), parse_float=str)
    except (ValueError, RecursionError) as error:
        raise _wrong("not JSON", "不是有效的 JSON") from error
    if isinstance(listed, dict):
        listed = listed.get("rows")
    if not isinstance(listed, list) or not all(isinstance(each, dict) for each in listed):
        raise _wrong("must be a list of objects", "须为对象列表")
    for number, each in enumerate(listed, start=2):
        yield number, {str(name): _plain(_text(value)) for name, value in each.items()}


def _with_header(lines: Iterator[list[str]]) -> Iterator[Row]:
    header: list[str] | None = None
    for number, cells in enumerate(lines, start=1):
        if not any(cell.strip() for cell in cells):
            continue
        if header is None:
            header = [cell.strip().lstrip("﻿") for cell in cells]
            named = [name for name in header if name]
            if len(named) != len(set(named)):
                raise _wrong("a column is named twice", "列名重复")
            continue
        row = {name: _plain(cell) for name, cell in zip(header, cells, strict=False) if name}
        if any(cell.strip() for cell in cells[len(header) :]):
            row[TOO_MANY] = "more cells than columns"
        yield number, row
    if header is None:
        raise _wrong("empty", "文件为空")


def _plain(cell: str) -> str:
    cell = cell.strip()
    return cell[1:].strip() if cell[:1] == "'" and cell[1:].lstrip(" ").startswith(RUNS) else cell


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    return value if isinstance(value, str) else str(getattr(value, "text", None) or value)


def _wrong(why: str, why_zh: str) -> Invalid:
    return Invalid("file", why, why_zh)
