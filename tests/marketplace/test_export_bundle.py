"""A bundle is the same bytes on every run, complete, and verified offline file by file."""

import base64
import csv
import hashlib
import io
import json
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pyarrow.parquet as pq
import pytest
from django.core.management import CommandError, call_command

from audit.actions.make_checkpoint import make_checkpoint
from audit.models import AuditLink
from audit.notes import Signer
from ledger.models import Account, Posting
from tests.audit.conftest import happen, tamper
from tests.factories import NOW, make_account, make_book
from tests.marketplace.http.conftest import make_caller

pytestmark = pytest.mark.django_db(transaction=True)
SCRIPT = Path(__file__).resolve().parents[2] / "docs" / "verify_chain.py"
SEED = base64.b64encode(bytes(range(32))).decode()
happen = happen  # the fixture of the audit room's tests


@pytest.fixture
def books(settings, happen):
    """Some value moved, some events, a checkpoint, and an event after it."""
    settings.CHECKPOINT_KEY, settings.CHECKPOINT_ORIGIN = SEED, "suanquan.test/audit-chain"
    make_account(make_book(), "env:1:available", holding_fen=1000)
    happen(5)
    make_checkpoint(at=NOW)
    happen(1)


def bundle(folder, *words):
    words = ("--out", str(folder), *words)
    call_command("export_bundle", *words, stdout=io.StringIO(), stderr=io.StringIO())
    return json.loads((folder / "manifest.json").read_text(encoding="utf-8"))


def verified(folder, *words):
    done = subprocess.run(
        [sys.executable, "-I", str(SCRIPT), "--bundle", str(folder), *words],
        capture_output=True,
        text=True,
        env={"PYTHONIOENCODING": "utf-8"},
    )
    return done.returncode, done.stdout


def content(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_two_bundles_of_the_same_books_are_the_same_bytes(books, tmp_path):
    bundle(tmp_path / "one")
    bundle(tmp_path / "two")
    assert content(tmp_path / "one") == content(tmp_path / "two")


def test_csv_and_parquet_say_what_the_database_says(books, tmp_path):
    manifest = bundle(tmp_path)
    with (tmp_path / "ledger_postings.csv").open(encoding="utf-8", newline="") as file:
        written = [int(row["amount_fen"]) for row in csv.DictReader(file)]
    columns = pq.read_table(tmp_path / "ledger_postings.parquet").to_pydict()
    kept = list(Posting.objects.order_by("pk").values_list("amount_fen", flat=True))
    assert kept
    assert written == columns["amount_fen"] == kept
    rows = {file["name"]: file.get("rows") for file in manifest["files"]}
    assert rows["ledger_postings.parquet"] == rows["ledger_postings.csv"] == len(kept)
    assert rows["ledger_accounts.csv"] == Account.objects.count()
    assert rows["chain.jsonl"] == rows["audit_events.csv"] == AuditLink.objects.count()
    times = pq.read_table(tmp_path / "ledger_transfers.parquet").schema.field("recorded_at").type
    assert str(times) == "timestamp[us, tz=UTC]"


def test_a_bundle_verifies_offline_with_its_checkpoint(books, tmp_path):
    bundle(tmp_path)
    key = Signer.from_seed("suanquan.test/audit-chain", SEED).verifier_key
    code, said = verified(tmp_path, "--key", key)
    assert (code, "1 checkpoints fit" in said) == (0, True)


def test_a_manifest_that_was_rewritten_with_its_file_is_not_the_signed_one(books, tmp_path):
    manifest = bundle(tmp_path)
    key = Signer.from_seed("suanquan.test/audit-chain", SEED).verifier_key
    accounts = tmp_path / "ledger_accounts.csv"
    accounts.write_text(accounts.read_text().replace("1000", "9000"))
    for file in manifest["files"]:
        if file["name"] == accounts.name:
            file["sha256"] = hashlib.sha256(accounts.read_bytes()).hexdigest()
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    assert verified(tmp_path)[0] == 0  # without the key nothing tells
    code, said = verified(tmp_path, "--key", key)
    assert (code, "manifest.json: not as it was signed" in said) == (1, True)
    (tmp_path / "manifest.note").unlink()
    code, said = verified(tmp_path, "--key", key)
    assert (code, "there is no manifest.note" in said) == (1, True)


def test_an_auditor_takes_the_same_bundle_home_over_http(books, tmp_path):
    auditor = make_caller("government", "auditor")
    first, again = (b"".join(auditor.get("export-bundle").streaming_content) for _ in range(2))
    assert first == again
    with ZipFile(io.BytesIO(first)) as packed:
        packed.extractall(tmp_path / "zip")
    bundle(tmp_path / "folder")
    assert content(tmp_path / "zip") == content(tmp_path / "folder")
    key = Signer.from_seed("suanquan.test/audit-chain", SEED).verifier_key
    assert verified(tmp_path / "zip", "--key", key)[0] == 0


def test_only_an_auditor_takes_it_and_a_period_has_a_beginning_and_an_end(books):
    officer = make_caller("government", "budget_officer")
    assert officer.get("export-bundle").status_code == 403
    auditor = make_caller("government", "auditor")
    for asked in ("since=yesterday", "since=2026-03-02&until=2026-03-02"):
        assert auditor.get(f"export-bundle?{asked}").status_code == 422


def test_a_file_that_was_touched_is_named(books, tmp_path):
    bundle(tmp_path)
    accounts = tmp_path / "ledger_accounts.csv"
    accounts.write_text(accounts.read_text().replace("1000", "9000"))
    (tmp_path / "ledger_books.csv").unlink()
    (tmp_path / "gift.csv").write_text("fen\n1\n")
    code, said = verified(tmp_path)
    assert code == 1
    for fault in (
        "ledger_accounts.csv: EDITED",
        "ledger_books.csv: DELETED",
        "gift.csv: INSERTED",
    ):
        assert fault in said


def test_damage_planted_in_the_database_is_named_in_the_bundle(books, tmp_path):
    tamper(
        "UPDATE audit_auditevent SET body = replace(body, '\"number\":3', '\"number\":8')"
        " WHERE id = (SELECT event_id FROM audit_auditlink WHERE sequence = 4)"
    )
    bundle(tmp_path)
    code, said = verified(tmp_path)
    assert code == 1
    assert "sequence 4 (thing.happened of test.thing 3): EDITED" in said


def test_a_period_holds_what_happened_in_it(books, tmp_path):
    tamper(
        "UPDATE audit_auditevent SET recorded_at = '2026-01-01T00:00:00Z' WHERE id IN"
        " (SELECT event_id FROM audit_auditlink WHERE sequence <= 2)"
    )
    manifest = bundle(tmp_path / "new", "--from", "2026-02-01")
    assert (manifest["chain"]["after"], manifest["chain"]["events"]) == (2, 4)
    assert verified(tmp_path / "new")[0] == 0
    manifest = bundle(tmp_path / "old", "--to", "2026-02-01")
    assert (manifest["chain"]["after"], manifest["chain"]["events"]) == (0, 2)
    assert verified(tmp_path / "old")[0] == 0
    manifest = bundle(tmp_path / "none", "--from", "2099-01-01")
    assert manifest["chain"]["events"] == 0
    assert verified(tmp_path / "none")[0] == 0


@pytest.mark.parametrize(
    "words",
    [["--from", "yesterday"], ["--from", "2026-03-02", "--to", "2026-03-02"]],
)
def test_a_period_that_is_none_is_refused(tmp_path, words):
    with pytest.raises(CommandError):
        call_command("export_bundle", "--out", str(tmp_path), *words)


def test_a_folder_with_something_in_it_is_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(CommandError, match="not empty"):
        call_command("export_bundle", out=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
