"""Write tables as CSV and Parquet, the same bytes on every run over the same rows.

Each room declares what an auditor takes home as `EXPORTS` in its `exports.py`; `manage.py
export_bundle` writes them all from one snapshot. Rows are streamed in the order of their keys.
"""

import csv
import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from django.db import models

from audit.canonical import canonical_json

CHUNK_ROWS = 20_000
ARROW: dict[str, pa.DataType] = {
    "integer": pa.int64(),
    "text": pa.string(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "time": pa.timestamp("us", tz="UTC"),
    "decimal": pa.string(),  # as written; a reader chooses the precision
    "json": pa.string(),
}


@dataclass(frozen=True)
class Column:
    """`source` is a lookup of Django; `kind` a key of ARROW."""

    name: str
    source: str
    kind: str


@dataclass(frozen=True)
class ExportTable:
    """`rows` is a queryset in a total order. `at` is the lookup of the instant a period cuts by."""

    name: str
    rows: Callable[[], models.QuerySet[Any]]
    columns: tuple[Column, ...]
    at: str | None = None


def table_of(name: str, model: type[models.Model], *, at: str | None = None) -> ExportTable:
    """All columns of `model` in the order of its primary key."""
    columns = tuple(
        Column(field.attname, field.attname, _kind(field)) for field in model._meta.concrete_fields
    )
    return ExportTable(name, lambda: model._default_manager.order_by("pk"), columns, at)


def _kind(field: "models.Field[Any, Any]") -> str:
    while isinstance(field, models.ForeignKey):
        field = field.target_field
    kinds: tuple[tuple[type[Any] | tuple[type[Any], ...], str], ...] = (
        (models.BooleanField, "boolean"),
        (models.IntegerField, "integer"),
        (models.DateTimeField, "time"),
        (models.DateField, "date"),
        (models.DecimalField, "decimal"),
        (models.JSONField, "json"),
    )
    return next((kind for types, kind in kinds if isinstance(field, types)), "text")


def write_table(
    table: ExportTable,
    folder: Path,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    tell: Callable[[str, int], None] = lambda name, rows: None,
) -> int:
    """`<name>.csv` and `<name>.parquet` in `folder`; how many rows. `tell` hears of each chunk."""
    rows = table.rows()
    if table.at:
        rows = rows.filter(**({f"{table.at}__gte": since} if since else {}))
        rows = rows.filter(**({f"{table.at}__lt": until} if until else {}))
    schema = pa.schema([(column.name, ARROW[column.kind]) for column in table.columns])
    count = 0
    with (
        (folder / f"{table.name}.csv").open("w", encoding="utf-8", newline="") as text,
        pq.ParquetWriter(
            folder / f"{table.name}.parquet", schema, compression="zstd", version="2.6"
        ) as parquet,
    ):
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow([column.name for column in table.columns])
        for chunk in _chunks(rows, table.columns):
            writer.writerows([[_as_text(value) for value in row] for row in chunk])
            arrays = [
                pa.array(values, type=field.type)
                for values, field in zip(zip(*chunk, strict=True), schema, strict=True)
            ]
            parquet.write_table(pa.Table.from_arrays(arrays, schema=schema), len(chunk))
            count += len(chunk)
            tell(table.name, count)
    return count


def _chunks(
    rows: models.QuerySet[Any], columns: Sequence[Column]
) -> Iterator[list[tuple[Any, ...]]]:
    found: Iterable[tuple[Any, ...]] = rows.values_list(
        *(column.source for column in columns)
    ).iterator(chunk_size=CHUNK_ROWS)
    chunk = []
    for row in found:
        chunk.append(tuple(map(_plain, row, columns)))
        if len(chunk) == CHUNK_ROWS:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _plain(value: Any, column: Column) -> Any:
    if value is None:
        return None
    match column.kind:
        case "json":
            return canonical_json(value)
        case "decimal":
            return format(Decimal(value), "f")
        case "time":
            return value.astimezone(UTC)
        case "text":
            return str(value)
    return value


def _as_text(value: Any) -> str:
    """Nothing for null; RFC 3339 in UTC for instants; true and false."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value)


def described(table: ExportTable) -> dict[str, Any]:
    """The table's columns, for the schema file of a bundle."""
    return {
        "table": table.name,
        "columns": [{"name": column.name, "type": column.kind} for column in table.columns],
    }


def file_facts(path: Path, *, rows: int | None = None) -> dict[str, Any]:
    """What a manifest says of a file."""
    with path.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    facts = {"name": path.name, "bytes": path.stat().st_size, "sha256": digest}
    return facts if rows is None else {**facts, "rows": rows}
