"""An export bundle: the chain, the tables every room declares, and a manifest of them all.

Made from one snapshot, and byte for byte the same whenever the rows are the same (and the version
of pyarrow). `docs/verify_chain.py --bundle` verifies one offline.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pyarrow
from django.db import connection, transaction

from audit.bundle import ExportTable, described, file_facts, write_table
from audit.canonical import canonical_json
from audit.chain import GENESIS, export_chain
from audit.models import AuditLink, Checkpoint
from marketplace.prove_books import ROOMS

Tell = Callable[[str, int], None]


def exported_tables() -> Iterator[ExportTable]:
    """What the rooms register as `EXPORTS` in their `exports.py`."""
    for room in ROOMS:
        if find_spec(f"{room}.exports") is not None:
            yield from getattr(import_module(f"{room}.exports"), "EXPORTS", ())


def export_bundle(
    folder: Path,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    tell: Tell = lambda name, rows: None,
) -> dict[str, Any]:
    """Write the bundle into `folder`, which must be empty or not there; its manifest.

    With a period, tables that know when are cut to since ≤ t < until, and the chain to the links
    between. Memory is bounded by one chunk of rows. Raises FileExistsError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise FileExistsError(f"{folder} is not empty")
    tables = list(exported_tables())
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        after, upto = _span(since, until)
        with (folder / "chain.jsonl").open("w", encoding="utf-8", newline="\n") as out:
            chain = export_chain(out, after=after, upto=upto)
        tell("chain", chain.events)
        rows = {
            table.name: write_table(table, folder, since=since, until=until, tell=tell)
            for table in tables
        }
        schema = canonical_json([described(table) for table in tables])
        (folder / "schema.json").write_text(schema + "\n", encoding="utf-8")
        manifest = {
            "format": "suanquan-bundle-1",
            "since": since,
            "until": until,
            "chain": {
                "after": after,
                "after_hash": _hash_at(after),
                "events": chain.events,
                "head_sequence": chain.head_sequence,
                "head_hash": chain.head_hash if chain.events else _hash_at(after),
            },
            "checkpoint": _newest_note(upto) if after == 0 else None,
            "parquet_writer": f"pyarrow {pyarrow.__version__}",
            "files": [
                file_facts(path, rows=_rows_in(path, chain.events, rows))
                for path in sorted(folder.iterdir())
            ],
        }
    (folder / "manifest.json").write_text(canonical_json(manifest) + "\n", encoding="utf-8")
    return manifest


def _span(since: datetime | None, until: datetime | None) -> tuple[int, int]:
    """The links to export: sequences after the first and up to the second."""
    links = AuditLink.objects.order_by("sequence").values_list("sequence", flat=True)
    first = links.filter(event__recorded_at__gte=since).first() if since else 1
    last = (links.filter(event__recorded_at__lt=until) if until else links).last() or 0
    return (last if first is None else min(first - 1, last)), last


def _hash_at(sequence: int) -> str:
    found = AuditLink.objects.filter(sequence=sequence).values_list("hash", flat=True).first()
    return found or GENESIS


def _newest_note(upto: int) -> str | None:
    """The newest checkpoint over no more than `upto` links."""
    within = Checkpoint.objects.filter(tree_size__lte=upto).order_by("tree_size")
    return within.values_list("note", flat=True).last()


def _rows_in(path: Path, events: int, rows: dict[str, int]) -> int | None:
    return events if path.name == "chain.jsonl" else rows.get(path.stem)
