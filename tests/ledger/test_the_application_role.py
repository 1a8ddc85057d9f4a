"""The application's database role cannot break the ledger or the audit trail, whatever it says."""

from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction

from audit.decisions import SYSTEM
from audit.proofs import PROOFS as AUDIT
from audit.proofs import prove
from audit.rights import DEFAULT_ROLE, all_rights, grant_application_role
from ledger.actions.open_account import open_account
from ledger.actions.place_hold import place_hold
from ledger.actions.post_batch import Asked, post_batch
from ledger.actions.post_transfer import Move, post_transfer
from ledger.actions.resolve_hold import post_hold
from ledger.models import Account, Posting, Transfer
from tests.factories import NOW, make_account, make_book

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _granted():
    grant_application_role()


@contextmanager
def as_application():
    """What is done in here is done by the application's role, as after its own login."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET SESSION AUTHORIZATION {DEFAULT_ROLE}")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("RESET SESSION AUTHORIZATION")


@pytest.fixture
def posted():
    """An account holding 600 fen of 1000, the rest spent and in part held."""
    book = make_book()
    purse = make_account(book, "env:1:available", holding_fen=1000)
    reserved = make_account(book, "vch:1:reserved")
    earned = make_account(book, "rdm:1:earned")
    with as_application():
        hold = place_hold(
            reference="h",
            source=purse,
            held_in=reserved,
            amount_fen=400,
            deadline_at=NOW + timedelta(hours=1),
            actor=SYSTEM,
            at=NOW,
        )
        post_hold(hold=hold, amount_fen=300, destination=earned, actor=SYSTEM, at=NOW)
    return purse


def test_everyday_work_needs_no_more_than_the_role_has(posted):
    with as_application():
        third = open_account(book=posted.book, code="third")
        post_transfer(
            reference="x", kind="test", moves=[Move(posted, third, 7)], effective_at=NOW,
            actor=SYSTEM,
        )  # fmt: skip
    assert Account.objects.get(pk=posted.pk).balance_fen == 693


ATTACKS = {
    "I1 value out of nothing": "INSERT INTO ledger_posting (transfer_id, source_id, destination_id,"
    " amount_fen) SELECT transfer_id, source_id, destination_id, 5 FROM ledger_posting LIMIT 1",
    "I1 a transfer of its own": "INSERT INTO ledger_transfer (reference, body_hash, kind, book_id,"
    " effective_at) SELECT 'mine', '', 'x', book_id, now() FROM ledger_transfer LIMIT 1",
    "I2 a richer account": "UPDATE ledger_account SET balance_fen = 5",
    "I2 a lower floor": "UPDATE ledger_account SET floor_fen = -1000000",
    "I2 a floor dropped": "ALTER TABLE ledger_account"
    " DROP CONSTRAINT an_account_never_falls_below_its_floor",
    "I2 an account that starts rich": "INSERT INTO ledger_account (book_id, code, floor_fen,"
    " balance_fen) SELECT book_id, 'gift', 0, 100 FROM ledger_account LIMIT 1",
    "I3 another amount": "UPDATE ledger_posting SET amount_fen = 1",
    "I3 another kind": "UPDATE ledger_transfer SET kind = 'x'",
    "I3 postings gone": "DELETE FROM ledger_posting",
    "I3 transfers gone": "DELETE FROM ledger_transfer",
    "I3 postings emptied": "TRUNCATE ledger_posting",
    "I3 the guard switched off": "ALTER TABLE ledger_posting DISABLE TRIGGER ALL",
    "I3 the guards asleep": "SET session_replication_role = replica",
    "I3 the table dropped": "DROP TABLE ledger_posting CASCADE",
    "I4 I5 an envelope's account gone": "DELETE FROM ledger_account",
    "I4 a book opened again": "UPDATE ledger_book SET closed_until = NULL, state = 'open'",
    "I6 a hold resolved by hand": "INSERT INTO ledger_holdresolution (hold_id, outcome, posted_fen,"
    " transfer_id, resolved_at) SELECT id, 'voided', 0, placed_by_id, now() FROM ledger_hold",
    "I6 a resolution forgotten": "DELETE FROM ledger_holdresolution",
    "I6 a deadline moved": "UPDATE ledger_hold SET deadline_at = now() + interval '1 year'",
    "I12 an event edited": "UPDATE audit_auditevent SET kind = 'x'",
    "I12 events gone": "DELETE FROM audit_auditevent",
    "I12 events emptied": "TRUNCATE audit_auditevent CASCADE",
    "I12 a link edited": "UPDATE audit_auditlink SET hash = ''",
    "another writer": "CREATE OR REPLACE FUNCTION ledger_post_batch(transfers jsonb) RETURNS TABLE"
    " (ordinal int, reference text, outcome text, transfer_id bigint, detail text)"
    " LANGUAGE sql AS 'SELECT 1, '''', '''', 1::bigint, '''''",
    "a table of the same name before ours": "CREATE TABLE public.mine (id int)",
    "the writer's inner function": 'SELECT ledger_write(\'[{"reference": "r", "kind": "x",'
    ' "body_hash": "", "book_id": 1, "effective_at": "2026-01-01T00:00:00Z"}]\', NULL)',
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_cannot_break(posted, attack):
    before = _everything()
    with (
        pytest.raises(DatabaseError) as refused,
        as_application(),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(ATTACKS[attack])
    assert _everything() == before
    if attack != "I2 an account that starts rich":  # a trigger's; all else lacks the right itself
        assert "permission denied" in str(refused.value) or "must be owner" in str(refused.value)


def test_pg_temp_does_not_stand_before_the_ledger(posted):
    """A temporary table of the role cannot take the place of one the writer reads."""
    earned = Account.objects.get(book=posted.book, code="rdm:1:earned")
    with as_application(), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMP TABLE ledger_account ON COMMIT DROP AS SELECT * FROM ledger_account"
        )
        cursor.execute("UPDATE pg_temp.ledger_account SET balance_fen = 1000000, floor_fen = 0")
        batch = [Asked("r", "x", [Move(posted, earned, 5000)], NOW, SYSTEM)]
        (answer,) = post_batch(batch)
        assert answer.outcome == "insufficient"


def test_no_setting_puts_the_guards_to_sleep(posted):
    """pgtrigger's own switch needs no right, and would have reached into the writer's rights."""
    earned = Account.objects.get(book=posted.book, code="rdm:1:earned")
    with as_application(), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT array_agg(DISTINCT tgname)::text FROM pg_trigger")
        (names,) = cursor.fetchone()
        cursor.execute("SELECT set_config('pgtrigger.ignore', %s, true)", [names])
        (answer,) = post_batch([Asked("r", "x", [Move(posted, earned, 5000)], NOW, SYSTEM)])
        assert answer.outcome == "insufficient"
        post_batch([Asked("s", "x", [Move(posted, earned, 5)], NOW, SYSTEM)])
    assert Account.objects.get(pk=posted.pk).balance_fen == 695


def test_a_switch_that_came_back_is_a_violation():
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE OR REPLACE FUNCTION public._pgtrigger_should_ignore(trigger_name name)"
            " RETURNS boolean LANGUAGE plpgsql AS 'BEGIN RETURN true; END'"
        )
    (guards,) = [each for each in prove("audit", AUDIT) if each.name == "I3"]
    assert [each.what for each in guards.examples] == ["a session may put triggers to sleep"]


def test_every_table_has_its_rights_and_none_may_be_emptied():
    rights = {each.table: each.may for each in all_rights()}
    assert rights["ledger_posting"] == ("SELECT",)
    assert rights["audit_auditevent"] == ("SELECT", "INSERT")
    assert "TRUNCATE" not in {right for may in rights.values() for right in may}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relkind = 'r'"
            " AND relnamespace = 'public'::regnamespace"
            " AND has_table_privilege(%s, oid, 'TRUNCATE')",
            [DEFAULT_ROLE],
        )
        assert cursor.fetchall() == []


def test_the_owner_is_not_taken_for_the_application():
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        (owner,) = cursor.fetchone()
    with pytest.raises(ValueError, match="another role"):
        grant_application_role(owner)


def _everything():
    return (
        list(Account.objects.order_by("pk").values_list("pk", "floor_fen", "balance_fen")),
        list(Posting.objects.order_by("pk").values_list()),
        Transfer.objects.count(),
    )


def test_a_new_month_of_readings_needs_no_right_of_the_application():
    with as_application(), connection.cursor() as cursor:
        cursor.execute("SELECT providers_make_reading_month('2031-05-01')")
        assert cursor.fetchone() == (True,)
        cursor.execute("SELECT count(*) FROM providers_meterreading WHERE starts_at > '2031-01-01'")
        assert cursor.fetchone() == (0,)
