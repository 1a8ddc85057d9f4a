"""An export bundle: the chain, the tables every room declares, and a manifest of them all.

Made from one snapshot, and byte for byte the same whenever the rows are the same (and the version
of pyarrow). `docs/verify_chain.py --bundle` verifies one offline.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from datetime import datetime
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any, cast
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import pyarrow
from django.db import connection, transaction

from audit.bundle import ExportTable, described, file_facts, write_table
from audit.canonical import canonical_json
from audit.chain import GENESIS, export_chain
from audit.checkpoints import signer
from audit.models import AuditLink, Checkpoint
from audit.refusals import CheckpointKeyMissing
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
    for _path in _files(folder, since, until, tell):
        pass
    manifest: dict[str, Any] = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    return manifest


def stream_bundle(
    *, since: datetime | None = None, until: datetime | None = None
) -> Iterator[bytes]:
    """The same bundle as a ZIP, given out while it is made; the same rows, the same bytes."""
    out = _Outlet()
    with (
        TemporaryDirectory() as folder,
        ZipFile(cast(IO[bytes], out), "w", ZIP_DEFLATED) as bundle,
    ):
        for path in _files(Path(folder), since, until, lambda name, rows: None):
            member = ZipInfo(path.name)  # of 1980: a ZIP made later is no other ZIP
            member.compress_type = ZIP_DEFLATED
            with path.open("rb") as content, bundle.open(member, "w", force_zip64=True) as packed:
                while chunk := content.read(1 << 20):
                    packed.write(chunk)
                    yield out.taken()
            path.unlink()
    yield out.taken()


class _Outlet:
    """Where a ZIP is written to and given out from, piece by piece."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._pieces.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""

    def taken(self) -> bytes:
        """What was written since the last call."""
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)


def _files(
    folder: Path, since: datetime | None, until: datetime | None, tell: Tell
) -> Iterator[Path]:
    """Each file of the bundle once it is written, the manifest and its signature last."""
    tables, facts = list(exported_tables()), []
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        after, upto = _span(since, until)
        path = folder / "chain.jsonl"
        with path.open("w", encoding="utf-8", newline="\n") as out:
            chain = export_chain(out, after=after, upto=upto)
        tell("chain", chain.events)
        facts.append(file_facts(path, rows=chain.events))
        yield path
        for table in tables:
            rows = write_table(table, folder, since=since, until=until, tell=tell)
            for path in (folder / f"{table.name}.csv", folder / f"{table.name}.parquet"):
                facts.append(file_facts(path, rows=rows))
                yield path
        path = folder / "schema.json"
        schema = canonical_json([described(table) for table in tables])
        path.write_text(schema + "\n", encoding="utf-8")
        facts.append(file_facts(path))
        yield path
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
            "files": sorted(facts, key=lambda file: str(file["name"])),
        }
    path, text = folder / "manifest.json", canonical_json(manifest) + "\n"
    path.write_text(text, encoding="utf-8")
    yield path
    if note := _signature(text):
        path = folder / "manifest.note"
        path.write_text(note, encoding="utf-8")
        yield path


def _signature(manifest: str) -> str | None:
    """A note over the manifest's SHA-256 by the key that signs checkpoints; None without a key."""
    try:
        ours = signer()
    except CheckpointKeyMissing:
        return None
    digest = hashlib.sha256(manifest.encode()).hexdigest()
    return ours.sign(f"{ours.name}\nexport bundle\n{digest}\n")


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
