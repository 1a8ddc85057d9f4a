"""Signed checkpoints: what was signed is what is there, and any of it can be proved offline."""

import base64
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction

from audit import checkpoints
from audit.actions.make_checkpoint import make_checkpoint
from audit.checkpoints import Tree, checkpoint_faults, consistency_proof, inclusion_proof
from audit.models import AuditEvent, AuditLink, Checkpoint, MerkleBlock
from audit.notes import Signer, signed_by
from audit.refusals import ChainIsBroken, CheckpointKeyMissing, NothingToCheckpoint
from marketplace import tasks
from tests.audit.conftest import tamper
from tests.factories import NOW
from tests.marketplace.http.conftest import make_caller

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
SCRIPT = Path(__file__).resolve().parents[2] / "docs" / "verify_chain.py"
SEED = base64.b64encode(bytes(range(32))).decode()


@pytest.fixture(autouse=True)
def _small_blocks_and_a_key(settings, monkeypatch):
    """Blocks of four links, so that a short chain has several."""
    settings.CHECKPOINT_KEY, settings.CHECKPOINT_ORIGIN = SEED, "suanquan.test/audit-chain"
    monkeypatch.setattr(checkpoints, "BLOCK", 4)


def key():
    return Signer.from_seed("suanquan.test/audit-chain", SEED).verifier_key


def script(*words):
    """The script as a stranger runs it: its own process, no Django, no database."""
    done = subprocess.run(
        [sys.executable, "-I", str(SCRIPT), *map(str, words)],
        capture_output=True,
        text=True,
        env={"PYTHONIOENCODING": "utf-8"},
    )
    return done.returncode, done.stdout


def kept(folder, name="note.txt"):
    path = folder / name
    path.write_text(Checkpoint.objects.latest("tree_size").note, encoding="utf-8")
    return path


def exported(folder):
    file = folder / "chain.jsonl"
    call_command("export_chain", str(file), stderr=io.StringIO())
    return file


def test_a_checkpoint_is_over_all_that_was_committed_and_names_the_one_before(happen):
    happen(3)
    first = make_checkpoint(at=NOW)
    happen(6)
    second = make_checkpoint(at=NOW)
    assert [first.tree_size, second.tree_size] == [3, 9]
    assert (first.previous, second.previous) == (None, first)
    assert second.head_hash == AuditLink.objects.get(sequence=9).hash
    assert [block.index for block in MerkleBlock.objects.order_by("index")] == [0, 1]
    assert list(checkpoint_faults()) == []


def test_a_checkpoint_is_a_signed_note_in_the_form_other_logs_use(happen):
    happen(2)
    checkpoint = make_checkpoint(at=NOW)
    lines = checkpoint.note.split("\n")
    assert lines[:2] == ["suanquan.test/audit-chain", "2"]
    assert base64.b64decode(lines[2]).hex() == checkpoint.root == Tree(2).root().hex()
    assert lines[-2].startswith("— suanquan.test/audit-chain ")
    assert signed_by(checkpoint.note, key())
    assert not signed_by(checkpoint.note.replace("\n2\n", "\n3\n"), key())
    other = Signer.from_seed("suanquan.test/audit-chain", base64.b64encode(bytes(32)).decode())
    assert not signed_by(checkpoint.note, other.verifier_key)


def test_where_nothing_is_new_nothing_is_signed(happen):
    with pytest.raises(NothingToCheckpoint):
        make_checkpoint(at=NOW)
    happen(1)
    assert make_checkpoint(at=NOW) == make_checkpoint(at=NOW)
    assert Checkpoint.objects.count() == 1


@pytest.mark.parametrize("seed", ["", "not base64", base64.b64encode(b"short").decode()])
def test_without_a_key_there_is_a_refusal_and_never_an_unsigned_checkpoint(happen, settings, seed):
    happen(1)
    settings.CHECKPOINT_KEY = seed
    with pytest.raises(CheckpointKeyMissing):
        make_checkpoint(at=NOW)
    with pytest.raises(CommandError, match="CHECKPOINT_KEY"):
        call_command("checkpoint")
    assert tasks.make_checkpoint() is None
    assert not Checkpoint.objects.exists()


def test_a_broken_chain_is_not_signed(happen):
    happen(3)
    make_checkpoint(at=NOW)
    happen(2)
    tamper("UPDATE audit_auditevent SET body = replace(body, '\"number\":1', '\"number\":7')")
    with pytest.raises(ChainIsBroken) as refused:
        make_checkpoint(at=NOW)
    assert refused.value.facts["sequence"] == 5


def test_a_chain_rewritten_behind_a_checkpoint_is_not_signed_again(happen):
    happen(3)
    make_checkpoint(at=NOW)
    tamper("DELETE FROM audit_auditlink")
    tamper("DELETE FROM audit_auditevent")
    for _ in range(5):
        happen(1)
    with pytest.raises(ChainIsBroken, match="is not the one that was signed"):
        make_checkpoint(at=NOW)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_checkpoint SET root = ''",
        "DELETE FROM audit_checkpoint",
        "TRUNCATE audit_checkpoint",
        "UPDATE audit_merkleblock SET root = ''",
        "DELETE FROM audit_merkleblock",
        "INSERT INTO audit_checkpoint SELECT 99, root, head_hash, NULL, made_at, verifier_key, note"
        " FROM audit_checkpoint",
        "INSERT INTO audit_checkpoint SELECT 4, root, head_hash, made_at, verifier_key, note, 5"
        " FROM audit_checkpoint",
    ],
)
def test_the_database_keeps_checkpoints_as_they_were_signed(happen, statement):
    happen(5)
    make_checkpoint(at=NOW)
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


DAMAGES = {
    "root": ("UPDATE audit_checkpoint SET root = repeat('a', 64)", "its root is not"),
    "head": ("UPDATE audit_checkpoint SET head_hash = repeat('a', 64)", "its head is not"),
    "note": ("UPDATE audit_checkpoint SET note = replace(note, 'at ', 'at  ')", "signature"),
    "when": ("UPDATE audit_checkpoint SET made_at = made_at + interval '1 day'", "columns say"),
    "block": ("UPDATE audit_merkleblock SET root = repeat('a', 64)", "kept block 0"),
    "links": ("DELETE FROM audit_auditlink WHERE sequence = 5", "more links than there are"),
}


@pytest.mark.parametrize("what", DAMAGES)
def test_a_checkpoint_that_does_not_fit_is_named(happen, what):
    happen(5)
    make_checkpoint(at=NOW)
    sql, said = DAMAGES[what]
    tamper(sql)
    assert any(size == 5 and said in fault for size, fault in checkpoint_faults())


def test_every_event_is_proved_offline_with_the_standard_library_and_a_signature(happen, tmp_path):
    ids = happen(11)
    make_checkpoint(at=NOW)
    file = tmp_path / "proof.json"
    for sequence, event_id in enumerate(ids, start=1):
        call_command("prove_event", str(event_id), out=file)
        code, said = script("--proof", file, "--key", key(), "--checkpoint", kept(tmp_path))
        assert (code, said.startswith(f"ok: sequence {sequence} (thing.happened")) == (0, True)


@pytest.mark.parametrize("part", ["body", "path", "sequence", "checkpoint", "previous_hash"])
def test_a_proof_that_was_edited_proves_nothing(happen, tmp_path, part):
    ids = happen(6)
    make_checkpoint(at=NOW)
    proof = inclusion_proof(AuditEvent.objects.get(pk=ids[2]))
    file = tmp_path / "proof.json"
    proof[part] = {
        "body": proof["body"].replace('"number":2', '"number":9'),
        "path": proof["path"][::-1],
        "sequence": 4,
        "checkpoint": proof["checkpoint"].replace("\n6\n", "\n7\n"),
        "previous_hash": "0" * 64,
    }[part]
    file.write_text(json.dumps(proof), encoding="utf-8")
    code, said = script("--proof", file, "--key", key())
    assert code == 1
    assert said.startswith("FAILED")


def test_one_checkpoint_is_proved_to_begin_with_another(happen, tmp_path):
    happen(3)
    make_checkpoint(at=NOW)
    first = kept(tmp_path, "first.txt")
    happen(7)
    make_checkpoint(at=NOW)
    file = tmp_path / "proof.json"
    call_command("prove_event", since=3, out=file)
    code, said = script("--proof", file, "--key", key(), "--checkpoint", first)
    assert (code, said) == (0, "ok: checkpoint 10 begins with checkpoint 3\n")
    proof = json.loads(file.read_text())
    proof["path"][0] = "00" * 32
    file.write_text(json.dumps(proof))
    assert script("--proof", file, "--key", key())[0] == 1
    assert consistency_proof(3) == consistency_proof(10, 3)


def test_an_export_verifies_against_a_kept_checkpoint(happen, tmp_path):
    happen(5)
    make_checkpoint(at=NOW)
    note = kept(tmp_path)
    happen(2)
    code, said = script(exported(tmp_path), "--checkpoint", note, "--key", key())
    assert (code, "7 events" in said, "1 checkpoints fit" in said) == (0, True, True)


REWRITTEN = """
DO $$
DECLARE row record; before text := repeat('0', 64); digest text;
BEGIN
    SET LOCAL session_replication_role = replica;
    {damage};
    FOR row IN SELECT l.sequence, e.body FROM audit_auditlink l
                 JOIN audit_auditevent e ON e.id = l.event_id ORDER BY l.sequence LOOP
        digest := encode(sha256(convert_to(before || E'\\n' || row.body, 'UTF8')), 'hex');
        UPDATE audit_auditlink SET previous_hash = before, hash = digest
         WHERE sequence = row.sequence;
        before := digest;
    END LOOP;
END $$
"""


def test_a_chain_made_anew_from_an_edited_row_on_is_seen_against_what_was_kept(happen, tmp_path):
    """Every hash fits again: the checkpoint names the span, the earlier export the row."""
    happen(3)
    make_checkpoint(at=NOW)
    first = kept(tmp_path, "first.txt")
    happen(4)
    make_checkpoint(at=NOW)
    second = kept(tmp_path, "second.txt")
    earlier = exported(tmp_path).rename(tmp_path / "earlier.jsonl")
    edited = AuditLink.objects.get(sequence=5).event_id
    damage = (
        "UPDATE audit_auditevent SET body = replace(body, '\"number\":1', '\"number\":8')"
        f" WHERE id = {edited}"
    )
    with connection.cursor() as cursor:
        cursor.execute(REWRITTEN.format(damage=damage))
    file = exported(tmp_path)
    assert script(file)[0] == 0
    code, said = script(file, "--checkpoint", first, "--checkpoint", second, "--key", key())
    assert code == 1
    assert "sequence 4 to 7: REWRITTEN" in said
    code, said = script(file, "--earlier", earlier)
    assert code == 1
    assert "sequence 5 (thing.happened of test.thing 1): EDITED" in said
    assert [size for size, _what in checkpoint_faults()][:1] == [7]


def lines_of(file):
    return file.read_text(encoding="utf-8").splitlines()


def renumbered(lines):
    return [
        json.dumps({**json.loads(line), "sequence": number}, ensure_ascii=False)
        for number, line in enumerate(lines, start=1)
    ]


PLANTED = {
    "edited": (
        lambda rows: [row.replace('\\"number\\":3', '\\"number\\":9') for row in rows],
        "sequence 4 (thing.happened of test.thing 3): EDITED",
    ),
    "deleted": (lambda rows: rows[:3] + rows[4:], "sequence 4: DELETED"),
    "deleted and renumbered": (
        lambda rows: renumbered(rows[:3] + rows[4:]),
        "sequence 4 (thing.happened of test.thing 4): the row before it was DELETED",
    ),
    "several deleted": (lambda rows: rows[:2] + rows[5:], "sequence 3 to 5: DELETED"),
    "the first deleted": (lambda rows: rows[2:], "sequence 1 to 2: DELETED"),
    "re-ordered": (
        lambda rows: [*rows[:2], rows[3], rows[2], *rows[4:]],
        "sequence 3 (thing.happened of test.thing 2): RE-ORDERED, stands after sequence 4",
    ),
    "re-ordered and renumbered": (
        lambda rows: renumbered([*rows[:2], rows[3], rows[2], *rows[4:]]),
        "sequence 3 (thing.happened of test.thing 3): RE-ORDERED",
    ),
    "inserted twice": (
        lambda rows: [*rows[:4], rows[1], *rows[4:]],
        "sequence 2 (thing.happened of test.thing 1): INSERTED",
    ),
    "inserted and renumbered": (
        lambda rows: renumbered([*rows[:4], rows[1], *rows[4:]]),
        "sequence 5 (thing.happened of test.thing 1): INSERTED, a copy",
    ),
    "the end cut off": (lambda rows: rows[:5], "checkpoint 7: DELETED"),
    "not even JSON": (lambda rows: [*rows[:3], "{", *rows[3:]], "FAILED: JSONDecodeError"),
}


AT_ONCE = ("--jobs", "4", "--piece", "300")


@pytest.mark.parametrize("way", [(), AT_ONCE], ids=["one walk", "pieces at once"])
@pytest.mark.parametrize("how", PLANTED)
def test_damage_planted_in_an_export_is_named(happen, tmp_path, how, way):
    happen(7)
    make_checkpoint(at=NOW)
    note = kept(tmp_path)
    file = exported(tmp_path)
    plant, said = PLANTED[how]
    file.write_text("\n".join(plant(lines_of(file))) + "\n", encoding="utf-8")
    code, told = script(file, "--checkpoint", note, "--key", key(), *way)
    assert code == 1
    assert said in told, told


@pytest.mark.parametrize("rows", range(1, 9))
def test_pieces_walked_at_once_say_what_one_walk_says(happen, tmp_path, rows):
    happen(rows)
    make_checkpoint(at=NOW)
    words = (exported(tmp_path), "--checkpoint", kept(tmp_path), "--key", key())
    code, said = script(*words)
    assert (code, f"{rows} events" in said) == (0, True)
    assert script(*words, *AT_ONCE) == (code, said)


def test_a_note_of_somebody_else_is_not_believed(happen, tmp_path):
    happen(2)
    make_checkpoint(at=NOW)
    other = Signer.from_seed("suanquan.test/audit-chain", base64.b64encode(bytes(32)).decode())
    words = ("--checkpoint", kept(tmp_path), "--key", other.verifier_key)
    code, said = script(exported(tmp_path), *words)
    assert (code, "FAILED" in said) == (1, True)


def test_everybody_reads_checkpoints_keys_and_consistency(happen, client):
    happen(3)
    make_checkpoint(at=NOW)
    happen(3)
    make_checkpoint(at=NOW)
    latest = client.get("/api/v1/checkpoints/latest").json()
    assert (latest["tree_size"], latest["previous"]) == (6, 3)
    assert [each["tree_size"] for each in client.get("/api/v1/checkpoints").json()["results"]] == [
        6,
        3,
    ]
    assert client.get("/api/v1/checkpoints/3").json()["tree_size"] == 3
    assert client.get("/api/v1/checkpoints/keys").json() == {"keys": [key()]}
    assert client.get("/api/v1/checkpoints/3/consistency").json() == consistency_proof(3, 6)
    for address, status in (
        ("checkpoints/4", 404),
        ("checkpoints/4/consistency", 404),
        ("checkpoints/3/consistency?to=x", 422),
        ("checkpoints/3/consistency?to=5", 404),
    ):
        assert client.get(f"/api/v1/{address}").status_code == status, address


def test_an_event_is_proved_over_http_to_who_may_see_it(happen):
    (event_id,) = happen(1)
    auditor, stranger = (
        make_caller("government", "auditor"),
        make_caller("enterprise", "enterprise_applicant"),
    )
    refused = auditor.get(f"audit-events/{event_id}/proof")
    assert (refused.status_code, refused.json()["code"]) == (409, "not_in_a_checkpoint")
    make_checkpoint(at=NOW)
    assert auditor.get(f"audit-events/{event_id}/proof").json()["sequence"] == 1
    assert stranger.get(f"audit-events/{event_id}/proof").status_code == 404
