"""The dry run of a file: every row's fate, told before anything is written."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice

from django.db import connection, transaction

from audit.actions.record import record
from audit.decisions import Actor, Invalid, StaleState
from providers.bulk import read_pool, read_table
from providers.bulk.pool_rows import NAMES, as_json, header_problem
from providers.bulk.read_table import Row
from providers.import_fates import REFUSE, Inventory, inventory_of, judge
from providers.models import ImportFile, ImportRow
from providers.policy import require_provider

CHUNK = 5000
_COPY = "COPY providers_importrow (file_id, number, fate, values, problems) FROM STDIN"


def check_import(*, file: ImportFile, actor: Actor, at: datetime) -> ImportFile:
    """uploaded → checked, or refused when a row (or the file) is wrong.

    Runs in pieces of CHUNK rows, each its own transaction, so that others see the progress; when
    it dies it begins again. Raises NotPermitted, NotFound, StaleState.
    """
    require_provider(actor, file.provider_id)
    with transaction.atomic():
        taken = ImportFile.objects.filter(pk=file.pk, state__in=["uploaded", "checking"])
        if not taken.update(state="checking", rows_total=None, rows_checked=0):
            file.refresh_from_db()
            raise StaleState(thing="import", current=file.state, needed="uploaded")
        ImportRow.objects.filter(file=file).delete()
    have, fates = inventory_of(file.provider, at), Counter[str]()
    try:
        rows = list(read_table(bytes(file.content), file.filename))
        if not rows:
            raise Invalid("file", "holds no row", "没有数据行")
        if problem := header_problem(dict.fromkeys(name for _, row in rows for name in row)):
            raise Invalid("file", *problem)
    except Invalid as refusal:
        return _settle(file, fates, 0, str(refusal), actor, at)
    for piece in _pieces(rows):
        with transaction.atomic():
            fates += _judge_piece(file, piece, have)
            done = sum(fates.values())
            ImportFile.objects.filter(pk=file.pk).update(rows_total=len(rows), rows_checked=done)
    return _settle(file, fates, len(rows), "", actor, at)


def _pieces(rows: Iterable[Row]) -> Iterator[list[Row]]:
    left = iter(rows)
    while piece := list(islice(left, CHUNK)):
        yield piece


def _judge_piece(file: ImportFile, piece: list[Row], have: Inventory) -> Counter[str]:
    read = [(number, cells, *read_pool(cells)) for number, cells in piece]
    have.look_up_slices(row.slice_id for _, _, row, _ in read if row and row.slice_id)
    fates = Counter[str]()
    with connection.cursor() as cursor, cursor.copy(_COPY) as copy:
        for number, cells, row, problems in read:
            fate, values = REFUSE, {NAMES.get(name, name): text for name, text in cells.items()}
            if row is not None:
                fate, problems, resolved = judge(number, row, have)
                if fate != REFUSE:
                    values = as_json(row) | resolved
            fates[fate] += 1
            said = [each.as_dict() for each in problems]
            copy.write_row((file.pk, number, fate, _json(values), _json(said)))
    return fates


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False).replace("\\u0000", "")


@transaction.atomic
def _settle(
    file: ImportFile, fates: Counter[str], total: int, problem: str, actor: Actor, at: datetime
) -> ImportFile:
    sound = not problem and not fates[REFUSE]
    ImportFile.objects.filter(pk=file.pk).update(
        state="checked" if sound else "refused",
        rows_total=total,
        rows_created=fates["create"],
        rows_changed=fates["change"],
        rows_unchanged=fates["unchanged"],
        rows_refused=fates[REFUSE],
        problem=problem,
    )
    file.refresh_from_db()
    record(
        "import.checked",
        subject=file,
        actor=actor,
        at=at,
        data={"state": file.state, "rows": total, "refused": fates[REFUSE], "problem": problem},
    )
    return file
