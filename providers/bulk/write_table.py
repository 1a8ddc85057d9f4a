"""From rows to a file's bytes. A cell that a spreadsheet would run is made harmless."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

# A cell that begins like this is a formula to a spreadsheet (CSV injection, CWE-1236); Chinese and
# Japanese ones run the full-width signs too.
RUNS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def harmless(value: Any) -> str:
    """The cell's text; an apostrophe keeps a spreadsheet from running it. Numbers stay numbers."""
    text = "" if value is None else str(value)
    runs = text.startswith(RUNS) or text.lstrip().startswith(RUNS)
    return f"'{text}" if runs and not _is_number(text) else text


def write_csv(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    """CSV text in pieces, with the mark that makes a spreadsheet read UTF-8."""
    held = io.StringIO()
    writer = csv.writer(held, lineterminator="\r\n")
    held.write("﻿")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([harmless(cell) for cell in row])
        if held.tell() > 65_536:
            yield held.getvalue()
            held.seek(0)
            held.truncate()
    yield held.getvalue()


def write_xlsx(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> bytes:
    """An XLSX workbook of one sheet; every text is a text, never a formula."""
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell

    book = Workbook(write_only=True)
    sheet = book.create_sheet("rows")
    sheet.append(list(columns))
    for row in rows:
        cells: list[Any] = []
        for value in row:
            if isinstance(value, str) and value.startswith("="):
                cell = WriteOnlyCell(sheet, value)
                cell.data_type = "s"
                cells.append(cell)
            else:
                cells.append(value if value is None or isinstance(value, int) else str(value))
        sheet.append(cells)
    held = io.BytesIO()
    book.save(held)
    return held.getvalue()


def write_json(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    """A JSON list of objects, in pieces; numbers are texts, so that 0.10 stays 0.10."""
    comma = "["
    for row in rows:
        said = {
            name: value if value is None or isinstance(value, int) else str(value)
            for name, value in zip(columns, row, strict=True)
        }
        yield comma + json.dumps(said, ensure_ascii=False)
        comma = ",\n"
    yield "[]" if comma == "[" else "]"


def _is_number(text: str) -> bool:
    return text[:1] in "+-" and text[1:].replace(".", "", 1).isdigit()
