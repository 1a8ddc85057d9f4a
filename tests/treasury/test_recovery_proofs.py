"""The proofs of recovery, suspense and of what has ended find what was planted past the guards."""

import pytest
from django.db import connection

from tests.factories import make_actor
from tests.treasury.conftest import give_account
from tests.treasury.test_payouts import answer, ids, make, send
from tests.treasury.test_recoveries import AFTER, DUE, cash, open_case
from treasury.actions.issue_demand import issue_demand
from treasury.actions.open_recovery import serve_notice
from treasury.actions.receive_recovery import offset_payable
from treasury.actions.suspend_return import suspend_return
from treasury.actions.write_off import approve_write_off, check_for_fraud, propose_write_off
from treasury.bank_files import BankRow
from treasury.proofs import PROOFS

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
NAMES = {"recovery", "suspense", "ended", "four-eyes", "I7", "I8", "I4"}


def broken():
    return {proof.name for proof in PROOFS if proof.name in NAMES and list(proof.check())}


def plant(sql):
    """Change rows past every guard: triggers off, and the check constraints of the table gone.

    The test's own transaction is rolled back at its end, and the constraints stand again.
    """
    table = sql.split()[2 if sql.startswith("DELETE") else 1]
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(
            "SELECT conname FROM pg_constraint WHERE contype = 'c' AND conrelid = %s::regclass",
            [table],
        )
        for (name,) in cursor.fetchall():
            cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(sql)
        cursor.execute("SET session_replication_role = origin")


@pytest.fixture
def _a_recovery_of_every_kind(city, owe):
    """800 fen demanded: 300 in cash, 200 kept, 100 written off, 200 outstanding; 5 in suspense."""
    give_account(city, city.organization)
    first = owe(1000)
    batch = send(city, make(city, first))
    answer(city, batch, BankRow(ids(batch)[0], "paid"))
    first.refresh_from_db()
    case = serve_notice(case=open_case(city, first), actor=city.finance_1, at=AFTER)
    later = case.contest_by_at
    issue_demand(case=case, due_date=DUE, actor=city.finance_2, at=later)
    cash(city, case, 300)
    offset_payable(case=case, payable=owe(200), actor=city.finance_1, at=later)
    write_off = propose_write_off(
        case=case, amount_fen=100, reason="insolvent", actor=city.finance_1, at=later
    )
    analyst = make_actor(city.organization, "fraud_analyst")
    check_for_fraud(write_off=write_off, result="clear", note="x", actor=analyst, at=later)
    for person in (city.finance_2, make_actor(city.organization, "finance_reviewer")):
        approve_write_off(write_off=write_off, actor=person, at=later)
    suspend_return(
        issuer=city.organization,
        amount_fen=5,
        bank_reference="S1",
        note="",
        actor=city.maker,
        at=later,
    )


@pytest.mark.usefixtures("_a_recovery_of_every_kind")
@pytest.mark.parametrize(
    ("sql", "found"),
    [
        ("UPDATE treasury_recoverycase SET demanded_fen = 799", {"recovery"}),
        ("UPDATE treasury_recoverycase SET state = 'recovered'", {"recovery"}),
        (
            "UPDATE treasury_recoverycase SET demanded_by_id = opened_by_id",
            {"four-eyes"},
        ),
        (
            "UPDATE treasury_recoveryreceipt SET amount_fen = 299 WHERE kind = 'cash'",
            {"recovery"},
        ),
        ("UPDATE treasury_payable SET offset_fen = 199 WHERE state = 'offset'", {"recovery"}),
        ("DELETE FROM treasury_recoveryreceipt WHERE kind = 'offset'", {"recovery"}),
        ("UPDATE treasury_writeoff SET amount_fen = 1", {"recovery"}),
        ("UPDATE treasury_writeoff SET fraud_result = 'suspected'", {"four-eyes"}),
        ("UPDATE treasury_writeoff SET fraud_checked_by_id = proposed_by_id", {"four-eyes"}),
        ("UPDATE treasury_suspenseentry SET amount_fen = 6", {"suspense"}),
        ("UPDATE ledger_book SET state = 'closed'", {"suspense"}),
        ("UPDATE treasury_envelope SET state = 'closed'", {"ended"}),
        (
            "UPDATE treasury_bankfile SET content = replace(content, '10.00', '10.01'),"
            " sha256 = encode(sha256(convert_to(replace(content, '10.00', '10.01'), 'UTF8')),"
            " 'hex') WHERE format = 'pain.001'",
            {"I8"},
        ),
    ],
)
def test_finds_what_was_planted(sql, found):
    assert broken() == set()
    plant(sql)
    assert broken() == found
