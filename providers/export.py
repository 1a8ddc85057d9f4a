"""What a provider has, as the file that would import it again; and what was wrong with a file."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery
from django.db.models.functions import Lower
from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse

from audit.decisions import Invalid
from providers.bulk import write_csv, write_json, write_xlsx
from providers.models import ImportFile, ImportRow, Offer, Pool, PoolWindow, PriceVersion

TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "json": "application/json",
}
ERROR_COLUMNS = ("row", "column", "value", "code", "reason", "原因")


def pool_lines(pools: QuerySet[Pool], at: datetime) -> Iterator[tuple[Any, ...]]:
    """One line per pool in the order of COLUMNS; one query, read in pieces."""
    offer = Offer.objects.filter(pool=OuterRef("pk")).exclude(state="withdrawn")
    price = PriceVersion.objects.filter(offer__pool=OuterRef("pk"), valid__contains=at).annotate(
        starts=Lower("valid")
    )
    window = PoolWindow.objects.filter(pool=OuterRef("pk")).order_by("available")
    rows = pools.order_by("pk").values_list(
        "facility__name",
        "code",
        "accelerator__code",
        "units",
        "kw_per_unit",
        "slice_id",
        Subquery(offer.values("unit")[:1]),
        Subquery(price.values("price_fen_per_unit_hour")[:1]),
        Subquery(price.values("starts")[:1]),
        Subquery(window.values("available")[:1]),
        "network_latency",
        "data_residency",
        "sla_availability",
    )
    for *first, starts, open_range, latency, residency, sla in rows.iterator(chunk_size=5000):
        yield (
            *first,
            _time(starts),
            _time(open_range and open_range.lower),
            _time(open_range and open_range.upper),
            latency,
            residency,
            sla,
        )


def problem_lines(file: ImportFile) -> Iterator[tuple[Any, ...]]:
    """One line per problem: row, column, the value that was read, and why it will not do."""
    if file.problem:
        yield ("", "file", file.filename, "unreadable", file.problem, file.problem)
    rows = ImportRow.objects.filter(file=file, fate="refuse").order_by("number")
    for row in rows.iterator(chunk_size=2000):
        for problem in row.problems:
            column = problem["column"]
            value = row.values.get(column, "")
            why = (problem["code"], problem["text_en"], problem["text_zh"])
            yield (row.number, column, value, *why)


def file_response(
    kind: str, name: str, columns: Iterable[str], lines: Iterable[tuple[Any, ...]]
) -> HttpResponseBase:
    """The lines as a download, `kind` csv, xlsx or json. Raises Invalid for another kind."""
    if kind not in TYPES:
        raise Invalid("as", "csv, xlsx or json", "须为 csv、xlsx 或 json")
    named = list(columns)
    response: HttpResponseBase
    if kind == "xlsx":
        response = HttpResponse(write_xlsx(named, lines), content_type=TYPES[kind])
    else:
        write = write_csv if kind == "csv" else write_json
        response = StreamingHttpResponse(write(named, lines), content_type=TYPES[kind])
    response["Content-Disposition"] = f'attachment; filename="{name}.{kind}"'
    return response


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
