"""Whatever is done to the chain behind the guards is found and named, here and offline."""

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction

from audit.actions.record import record
from audit.chain import export_chain, verify_chain
from audit.decisions import SYSTEM
from audit.models import AuditEvent, AuditLink
from tests.audit.conftest import tamper
from tests.factories import NOW

pytestmark = pytest.mark.django_db(transaction=True)
SCRIPT = Path(__file__).resolve().parents[2] / "docs" / "verify_chain.py"


def verify_offline(tmp_path, *options):
    """Export and run the script as a stranger would: its own process, no Django, no database."""
    file = tmp_path / "chain.jsonl"
    call_command("export_chain", str(file), stderr=io.StringIO())
    return run_script(file, *options)


def run_script(file, *options):
    done = subprocess.run(
        [sys.executable, "-I", str(SCRIPT), str(file), *options],
        capture_output=True,
        text=True,
        env={"PYTHONIOENCODING": "utf-8"},
    )
    return done.returncode, done.stdout


def test_an_untouched_chain_verifies_here_and_offline(happen, tmp_path):
    happen(5)
    report = verify_chain()
    assert (report.events, report.faults) == (5, ())
    code, said = verify_offline(tmp_path, "--head", report.head_hash)
    assert (code, said.strip()) == (0, f"ok: 5 events, sequence 5, head {report.head_hash}")


def test_an_export_is_the_same_on_every_run(happen):
    happen(3)
    first, second = io.StringIO(), io.StringIO()
    export_chain(first)
    export_chain(second)
    assert first.getvalue() == second.getvalue()
    assert [json.loads(line)["sequence"] for line in first.getvalue().splitlines()] == [1, 2, 3]


def test_a_part_of_the_chain_verifies_against_the_hash_before_it(happen, tmp_path):
    happen(5)
    before = AuditLink.objects.get(sequence=2).hash
    file = tmp_path / "part.jsonl"
    call_command("export_chain", str(file), after=2, upto=4, stderr=io.StringIO())
    assert run_script(file, "--after-hash", before)[0] == 0
    assert run_script(file)[0] == 1


TAMPERINGS = {
    "edited body": (
        "UPDATE audit_auditevent SET body = replace(body, '\"number\":2', '\"number\":9')"
        " WHERE id = (SELECT event_id FROM audit_auditlink WHERE sequence = 3)",
        3,
        "body does not match its hash",
    ),
    "edited body and its hash": (
        """
        WITH changed AS (
            UPDATE audit_auditevent SET body = replace(body, '"number":2', '"number":9')
             WHERE id = (SELECT event_id FROM audit_auditlink WHERE sequence = 3)
            RETURNING id, body)
        UPDATE audit_auditlink SET hash = encode(sha256(convert_to(
               previous_hash || E'\\n' || changed.body, 'UTF8')), 'hex')
          FROM changed WHERE event_id = changed.id
        """,
        4,
        "does not follow",
    ),
    "deleted event": (
        "WITH gone AS (DELETE FROM audit_auditlink WHERE sequence = 3 RETURNING event_id)"
        " DELETE FROM audit_auditevent WHERE id IN (SELECT event_id FROM gone)",
        4,
        "expected sequence 3",
    ),
    "re-ordered events": (
        "UPDATE audit_auditlink SET event_id = CASE sequence"
        " WHEN 2 THEN (SELECT event_id FROM audit_auditlink WHERE sequence = 3)"
        " ELSE (SELECT event_id FROM audit_auditlink WHERE sequence = 2) END"
        " WHERE sequence IN (2, 3)",
        2,
        "body does not match its hash",
    ),
    "inserted event": (
        """
        WITH moved AS (
            INSERT INTO audit_auditevent (kind, subject_type, subject_id, actor_label, occurred_at,
                                          recorded_at, data, body)
            SELECT kind, subject_type, subject_id, actor_label, occurred_at, recorded_at, data, body
              FROM audit_auditevent LIMIT 1 RETURNING id, body)
        INSERT INTO audit_auditlink (sequence, event_id, previous_hash, hash)
        SELECT 6, id, repeat('a', 64),
               encode(sha256(convert_to(repeat('a', 64) || E'\\n' || body, 'UTF8')), 'hex')
          FROM moved
        """,
        6,
        "does not follow",
    ),
}


@pytest.mark.parametrize("how", TAMPERINGS)
def test_tampering_is_found_and_named(happen, tmp_path, how):
    happen(5)
    sql, sequence, what = TAMPERINGS[how]
    if how == "re-ordered events":  # one event has one link: the constraint must go first
        tamper("ALTER TABLE audit_auditlink DROP CONSTRAINT IF EXISTS audit_auditlink_event_id_key")
    try:
        tamper(sql)
        faults = verify_chain().faults
        assert faults, how
        assert any(fault.sequence == sequence and what in fault.what for fault in faults), faults
        code, said = verify_offline(tmp_path)
        assert code == 1
        assert said.startswith("FAILED: sequence"), said
    finally:
        if how == "re-ordered events":
            tamper(
                "ALTER TABLE audit_auditlink ADD CONSTRAINT audit_auditlink_event_id_key"
                " UNIQUE (event_id)"
            )


def test_a_column_edited_apart_from_its_body_is_named(happen):
    edited = happen(3)[1]
    tamper("UPDATE audit_auditevent SET data = '{\"number\": 9}' WHERE id = %s", edited)
    (fault,) = verify_chain().faults
    assert (fault.sequence, fault.what) == (edited, "columns of the event differ from its body")


def test_an_event_outside_the_chain_is_named(happen):
    happen(2)
    tamper(
        "INSERT INTO audit_auditevent (id, kind, subject_type, subject_id, actor_label,"
        " occurred_at, recorded_at, data, body) SELECT 0, kind, subject_type, subject_id,"
        " actor_label, occurred_at, recorded_at, data, body FROM audit_auditevent LIMIT 1"
    )
    (fault,) = verify_chain().faults
    assert fault.what == "event stands outside the chain"


def test_a_chain_rewritten_whole_does_not_hold_the_head_published_before(happen, tmp_path):
    happen(3)
    published = verify_chain().head_hash
    tamper("DELETE FROM audit_auditlink")
    tamper("DELETE FROM audit_auditevent")
    happen(2)
    assert verify_chain().faults == ()
    code, said = verify_offline(tmp_path, "--head", published)
    assert code == 1
    assert "is not in this chain" in said


def test_the_end_cut_off_is_seen_only_against_a_published_head(happen, tmp_path):
    happen(4)
    published = verify_chain().head_hash
    tamper("DELETE FROM audit_auditlink WHERE sequence = 4")
    assert [fault.what for fault in verify_chain().faults] == ["event stands outside the chain"]
    assert verify_offline(tmp_path, "--head", published)[0] == 1


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_auditevent SET body = ''",
        "DELETE FROM audit_auditevent",
        "TRUNCATE audit_auditevent CASCADE",
        "UPDATE audit_auditlink SET hash = ''",
        "DELETE FROM audit_auditlink",
        "TRUNCATE audit_auditlink",
    ],
)
def test_the_guards_refuse_a_shell_session(happen, statement):
    happen(1)
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert verify_chain().faults == ()


def test_what_is_rolled_back_never_joins_the_chain(happen):
    happen(1)
    with transaction.atomic():
        record("thing.happened", subject=("test.thing", "x"), actor=SYSTEM, at=NOW)
        transaction.set_rollback(True)
    happen(1)
    assert (AuditEvent.objects.count(), verify_chain().events) == (2, 2)


def test_an_event_is_recorded_only_inside_a_transaction():
    with pytest.raises(RuntimeError):
        record("thing.happened", subject=("test.thing", "x"), actor=SYSTEM, at=NOW)
