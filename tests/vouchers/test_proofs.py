"""The proofs believe no constraint and no trigger: each finds what was planted behind them."""

from datetime import date

import pytest
from django.db import connection, transaction

from audit.decisions import SYSTEM
from audit.proofs import prove
from tests.audit.conftest import tamper
from tests.factories import NOW, make_organization
from tests.vouchers.office import (
    Office,
    apply,
    decide,
    make_applicant,
    make_office,
    make_programme,
    make_voucher,
    organization_of,
    reserve,
    zhongwei,
)
from vouchers.actions.ask_entitlement import ask_entitlement
from vouchers.actions.award_subsidy import propose_award
from vouchers.actions.commit_redemption import commit_redemption
from vouchers.actions.propose_redemption_payable import propose_redemption_payable
from vouchers.actions.review_award import approve_award
from vouchers.proofs import PROOFS

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


def broken() -> set[str]:
    return {each.name for each in prove("vouchers", PROOFS) if not each.holds}


@pytest.fixture
def office() -> Office:
    """Every kind of row: holds open, redeemed and owed, an application waiting, an award."""
    office = make_office()
    programme = make_programme(office)
    voucher, holder = make_voucher(office, programme=programme)
    reserve(voucher, holder, 10_00)
    spent = reserve(voucher, holder, 20_00)
    commit_redemption(redemption=spent, amount_fen=15_00, actor=SYSTEM, at=NOW)
    owed = reserve(voucher, holder, 30_00)
    commit_redemption(redemption=owed, amount_fen=30_00, actor=SYSTEM, at=NOW)
    propose_redemption_payable(redemption=owed, actor=SYSTEM, at=NOW)
    applicant = make_applicant()
    decide(office, apply(programme, applicant))
    ask_entitlement(
        programme=programme,
        enterprise=organization_of(applicant),
        facts={"contract_amount_fen": 1_00},
        actor=applicant,
        at=NOW,
    )
    rewarded = make_programme(office, zhongwei(), holding_fen=900_000_000)
    award = propose_award(
        version=rewarded.versions.get(),
        beneficiary=make_organization("platform"),
        period_start=date(2025, 1, 1),
        period_end=date(2026, 1, 1),
        facts={"annual_trade_volume_fen": 1_000_000_000},
        actor=office.decider,
        at=NOW,
    )
    approve_award(award=award, actor=office.second_decider, at=NOW)
    approve_award(award=award, actor=office.third_decider, at=NOW)
    return office


PLANTED = {
    "a bigger face value": ("UPDATE vouchers_voucher SET face_fen = face_fen + 1", {"I4", "I5"}),
    "a redemption made bigger": (
        "UPDATE vouchers_redemption SET committed_fen = 1600 WHERE committed_fen = 1500",
        {"I5", "I6"},
    ),
    "a hold that is said to be released": (
        "UPDATE vouchers_redemption SET state = 'released' WHERE state = 'reserved'",
        {"I5", "I6"},
    ),
    "a redemption without its posting": (
        "DELETE FROM ledger_posting WHERE amount_fen = 1500",
        {"I5"},
    ),
    "a promise nobody approved": (
        "UPDATE vouchers_application SET state = 'recommended' WHERE state = 'approved'",
        {"I4"},
    ),
    "an application approved by who reviewed it, says the row": (
        "UPDATE vouchers_application SET reviewed_by_id = applied_by_id + 100000",
        {"four-eyes"},
    ),
    "terms in force only after value moved under them": (
        "UPDATE vouchers_policyversion SET effective_from = effective_from + interval '1 second'",
        {"I10"},
    ),
    "terms never approved": (
        "UPDATE vouchers_policyversion SET state = 'withdrawn'",
        {"I10"},
    ),
    "an answer rewritten": (
        "UPDATE vouchers_entitlementanswer SET evaluation = replace(evaluation, '100', '200')",
        {"replay"},
    ),
    "a basis rewritten": (
        "UPDATE vouchers_subsidyaward SET evaluation ="
        " jsonb_set(evaluation, '{facts,annual_trade_volume_fen}', '2000000000')",
        {"replay"},
    ),
    "an award made bigger": (
        "UPDATE vouchers_subsidyaward SET amount_fen = amount_fen + 1",
        {"I6"},
    ),
    "terms rewritten under what was decided": (
        "UPDATE vouchers_policyversion SET terms ="
        " jsonb_set(terms, '{benefit,lines,0,rate}', '\"0.5\"')",
        {"replay"},
    ),
}


@pytest.mark.usefixtures("office")
def test_nothing_is_wrong_with_an_office_that_kept_the_rules() -> None:
    assert broken() == set()


@pytest.mark.usefixtures("office")
@pytest.mark.parametrize("how", PLANTED)
def test_finds_what_was_planted(how: str) -> None:
    sql, expected = PLANTED[how]
    tamper(sql)
    assert expected <= broken()


CHECKED = {
    "one person reviewed and approved": (
        "vouchers_application",
        "an_application_is_decided_by_two_people",
        "UPDATE vouchers_application SET reviewed_by_id = approved_by_id",
        "four-eyes",
    ),
    "one person approved terms twice": (
        "vouchers_policyversion",
        "terms_are_approved_by_two_people",
        "UPDATE vouchers_policyversion SET approved_by_2_id = approved_by_1_id",
        "four-eyes",
    ),
    "a proposer approved the award": (
        "vouchers_subsidyaward",
        "nobody_approves_the_award_they_proposed",
        "UPDATE vouchers_subsidyaward SET approved_by_1_id = proposed_by_id",
        "four-eyes",
    ),
    "one order redeemed twice": (
        "vouchers_redemption",
        "an_order_is_redeemed_at_most_once",
        "UPDATE vouchers_redemption SET order_reference = 'the same'",
        "I9",
    ),
}


@pytest.mark.usefixtures("office")
@pytest.mark.parametrize("how", CHECKED)
def test_finds_what_a_missing_constraint_let_in(how: str) -> None:
    table, constraint, sql, expected = CHECKED[how]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {constraint}")
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(sql)
        assert expected in broken()
        transaction.set_rollback(True)
    assert broken() == set()
