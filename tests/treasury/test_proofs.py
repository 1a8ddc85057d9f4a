"""The proofs believe nothing: each finds what was planted behind the guards' back."""

import io
import json

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from identity.models import User
from marketplace.prove_books import prove_books, report_of
from tests.audit.conftest import tamper
from tests.treasury.test_payouts import BankRow, answer, ids, make, send

pytestmark = pytest.mark.django_db(transaction=True)
ROOMS = ("audit", "ledger", "treasury")


def broken():
    return {each.name for each in prove_books(ROOMS) if not each.holds}


@pytest.fixture
def batch(city, owe):
    batch = send(city, make(city, owe(100), owe(20), owe(3)))
    answer(city, batch, BankRow(ids(batch)[0], "paid"), BankRow(ids(batch)[1], "returned"))
    return batch


PLANTED = {
    "a balance that is not the sum": (
        "UPDATE ledger_account SET balance_fen = balance_fen + 1 WHERE code LIKE 'env:%%available'",
        {"I2", "I4"},
    ),
    "an edited posting": (
        "UPDATE ledger_posting SET amount_fen = amount_fen - 1 WHERE transfer_id ="
        " (SELECT id FROM ledger_transfer WHERE kind = 'confirm')",
        {"I2", "I8"},
    ),
    "a deleted posting": (
        "DELETE FROM ledger_posting WHERE transfer_id ="
        " (SELECT id FROM ledger_transfer WHERE kind = 'confirm')",
        {"I1", "I2", "I8"},
    ),
    "a commitment under no policy": (
        "UPDATE ledger_transfer SET policy_version = NULL WHERE kind = 'commit'",
        {"I10"},
    ),
    "an approver replaced": (
        "UPDATE treasury_payable SET approved_by_1_id = approved_by_2_id",
        {"I7"},
    ),
    "a payable made bigger": (
        "UPDATE treasury_payable SET amount_fen = amount_fen + 1 WHERE state = 'approved'",
        {"I4", "I7"},
    ),
    "an item made bigger": (
        "UPDATE treasury_payoutitem SET amount_fen = amount_fen + 1 WHERE state = 'paid'",
        {"I8"},
    ),
    "a file rewritten": ("UPDATE treasury_bankfile SET content = content || ' '", {"I8"}),
    "a maker who checked": (
        "UPDATE treasury_payoutbatch SET checked_by_id = made_by_id",
        {"four-eyes"},
    ),
    "an event rewritten": ("UPDATE audit_auditevent SET kind = 'nothing.happened'", {"I7", "I12"}),
}
DROPPED = {
    "a maker who checked": "maker_checker_and_releaser_are_three_people",
    "an approver replaced": "a_payable_is_signed_by_three_people",
}


@pytest.fixture
def _unconstrained(request, batch):
    """Some lies cannot be told while the constraint stands, whoever tells them."""
    constraint = DROPPED.get(request.getfixturevalue("how"))
    table = "treasury_payoutbatch" if constraint and "maker" in constraint else "treasury_payable"
    if constraint is None:
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = %s", [constraint]
        )
        (definition,) = cursor.fetchone()
        cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {constraint}")
    yield
    other = User.objects.create_user("somebody-else").pk
    column = "checked_by_id" if table.endswith("batch") else "approved_by_1_id"
    tamper(f"UPDATE {table} SET {column} = {other}")
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} ADD CONSTRAINT {constraint} {definition}")


@pytest.mark.usefixtures("_unconstrained")
@pytest.mark.parametrize("how", PLANTED)
def test_finds_what_was_planted(batch, how):
    assert broken() == ({"I3"} if how in DROPPED else set())
    sql, expected = PLANTED[how]
    tamper(sql.replace("%%", "%"))
    assert expected <= broken() <= expected | {"I3"}


def test_finds_a_guard_that_is_gone(batch):
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE ledger_posting DISABLE TRIGGER ALL")
    try:
        assert broken() == {"I3"}
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE ledger_posting ENABLE TRIGGER ALL")
    assert broken() == set()


def test_prints_one_line_for_each_invariant_and_says_which_it_cannot_prove_yet(batch):
    out = io.StringIO()
    call_command("verify_books", room=list(ROOMS), stdout=out)
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    assert lines[-1] == report_of(prove_books(ROOMS))
    assert lines[-1]["violations"] == 0
    named = {line["invariant"] for line in lines[:-1]}
    assert {f"I{number}" for number in range(1, 13)} <= named


def test_exits_with_an_error_on_a_violation(batch):
    tamper("UPDATE ledger_account SET balance_fen = 7 WHERE code LIKE 'lapse:%'")
    out = io.StringIO()
    with pytest.raises(CommandError) as error:
        call_command("verify_books", room=["ledger"], stdout=out)
    assert error.value.returncode == 1
    assert "balance 7, postings 0" in out.getvalue()
