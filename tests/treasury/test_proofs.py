"""The proofs believe nothing: each finds what was planted behind the guards' back."""

import io
import json
import threading

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from audit.proofs import Proof, rows_that_violate
from identity.models import User
from ledger.models import Transfer
from ledger.proofs import PROOFS as LEDGER
from marketplace.prove_books import prove_books, report_of
from tests.audit.conftest import tamper
from tests.treasury.test_payouts import BankRow, answer, ids, make, send

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
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
    "a posting of no transfer": (
        "UPDATE ledger_posting SET transfer_id = transfer_id + 1000000 WHERE transfer_id ="
        " (SELECT id FROM ledger_transfer WHERE kind = 'confirm')",
        {"I1"},
    ),
    "two regions that owe each other different sums": (
        "UPDATE ledger_account SET code = 'clear:310000:320000' WHERE code LIKE 'fund:%%'",
        {"I4", "I11"},
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
    assert lines[-1].pop("elapsed_seconds") > 0
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


def test_a_proof_that_breaks_down_is_told_and_fails_the_command(batch, monkeypatch):
    def breaks():
        raise RuntimeError("the disk is gone")

    monkeypatch.setattr("ledger.proofs.PROOFS", [*LEDGER, Proof("I2", "again", breaks)])
    out = io.StringIO()
    with pytest.raises(CommandError, match="not checked: ledger I2"):
        call_command("verify_books", room=["ledger"], stdout=out)
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    (line,) = [each for each in lines if each.get("error")]
    assert (line["checked"], line["violations"]) == (False, None)
    assert "the disk is gone" in line["error"]
    assert all(each["checked"] for each in lines[:-1] if each is not line and "text" in each)


def test_each_line_says_how_many_rows_were_checked(batch):
    (line,) = [
        each
        for each in prove_books(["ledger"])
        if each.text.startswith("Every posting of voucher or award value")
    ]
    assert line.rows == Transfer.objects.count() > 0


def test_tells_what_it_is_at_when_it_takes_long(batch, monkeypatch):
    monkeypatch.setattr("marketplace.prove_books.TELL_AFTER_SECONDS", 0.01)
    slow = Proof("I2", "slow", rows_that_violate("SELECT 'x', 'y' FROM (SELECT pg_sleep(0.2)) s"))
    monkeypatch.setattr("ledger.proofs.PROOFS", [slow])
    heard: list[str] = []
    prove_books(["ledger"], tell=heard.append)
    assert any("ledger I2" in text for text in heard)


def test_what_is_written_meanwhile_disturbs_no_proof(batch, monkeypatch):
    """All proofs see one snapshot, on whichever connection they run."""

    def seen(place):
        def check():
            with connection.cursor() as cursor:
                cursor.execute("SELECT count(*), pg_sleep(0.1) FROM identity_user")
                counts[place] = cursor.fetchone()[0]
            return []

        return check

    counts: dict[int, int] = {}
    proofs = [Proof("I2", str(place), seen(place)) for place in range(4)]
    monkeypatch.setattr("ledger.proofs.PROOFS", proofs)
    writer = threading.Thread(target=_add_users)
    writer.start()
    prove_books(["ledger"])
    writer.join()
    assert len(counts) == 4
    assert len(set(counts.values())) == 1


def _add_users():
    for number in range(20):
        User.objects.create_user(f"meanwhile-{number}")
    connection.close()
