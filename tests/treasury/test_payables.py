"""A payable is owed when two people approved it, neither of whom proposed it."""

import pytest
from django.db import DatabaseError, connection, transaction

from audit.decisions import SYSTEM, Invalid, NotPermitted, SamePerson, StaleState
from ledger.actions.open_account import open_account
from ledger.refusals import InsufficientFunds, ReferenceReused
from tests.factories import NOW, make_actor, make_organization
from tests.treasury.conftest import give_account, propose
from treasury.actions.add_bank_account import add_bank_account
from treasury.actions.approve_payable import approve_payable
from treasury.actions.propose_payable import propose_payable
from treasury.actions.reject_payable import reject_payable
from treasury.actions.verify_bank_account import verify_bank_account
from treasury.models import BankAccount, Payable
from treasury.queries import envelope_figures

pytestmark = pytest.mark.django_db


@pytest.fixture
def payable(city, envelope, payee):
    return propose(city, envelope, payee, 4000)


def balance(payable, code):
    return open_account(book=payable.book, code=code).balance_fen


def test_the_second_approval_makes_it_owed(city, payable, envelope):
    approve_payable(payable=payable, actor=city.finance_1, at=NOW)
    assert balance(payable, payable.account_code) == 0
    approve_payable(payable=payable, actor=city.finance_2, at=NOW)
    assert balance(payable, payable.account_code) == 4000
    assert payable.state == Payable.State.APPROVED
    figures = envelope_figures(envelope)
    assert (figures.earned_fen, figures.payable_fen, figures.unaccounted_fen) == (0, 4000, 0)


def test_the_same_person_does_not_approve_twice(city, payable):
    approve_payable(payable=payable, actor=city.finance_1, at=NOW)
    with pytest.raises(SamePerson):
        approve_payable(payable=payable, actor=city.finance_1, at=NOW)


def test_who_proposed_it_does_not_approve_it(city, payable):
    mine = propose_payable(
        payee=payable.payee,
        envelope=payable.envelope,
        kind="subsidy_award",
        amount_fen=1,
        source_account=payable.source_account,
        reference="mine",
        policy_version="v1",
        actor=city.finance_1,
        at=NOW,
    )
    with pytest.raises(SamePerson):
        approve_payable(payable=mine, actor=city.finance_1, at=NOW)


def test_the_system_proposes_and_never_approves(payable):
    assert payable.proposed_by_id is None
    with pytest.raises(NotPermitted):
        approve_payable(payable=payable, actor=SYSTEM, at=NOW)


@pytest.mark.parametrize(
    ("statement", "refusal"),
    [
        (
            "UPDATE treasury_payable SET approved_by_2_id = approved_by_1_id",
            "a_payable_is_signed_by_three_people",
        ),
        (
            "UPDATE treasury_payable SET state = 'approved'",
            "an_approved_payable_is_signed_twice_and_posted",
        ),
        ("UPDATE treasury_payable SET state = 'paid'", "moves_along_drawn_lines"),
        ("UPDATE treasury_payable SET amount_fen = amount_fen + 1", "is_written_once"),
        ("UPDATE treasury_payable SET approved_by_1_id = NULL", "is_written_once"),
        ("DELETE FROM treasury_payable", "is_never_deleted"),
    ],
)
def test_a_shell_session_cannot_approve(city, payable, statement, refusal):
    approve_payable(payable=payable, actor=city.finance_1, at=NOW)
    with (
        pytest.raises(DatabaseError, match=refusal),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)


def test_the_same_reason_is_paid_once(payable, payee):
    again = {
        "payee": payee,
        "envelope": payable.envelope,
        "kind": "subsidy_award",
        "amount_fen": 4000,
        "source_account": payable.source_account,
        "reference": payable.reference,
        "policy_version": "v1",
        "actor": SYSTEM,
        "at": NOW,
    }
    assert propose_payable(**again) == payable
    with pytest.raises(ReferenceReused):
        propose_payable(**again | {"amount_fen": 4001})
    with pytest.raises(Invalid):
        propose_payable(**again | {"amount_fen": 0})


def test_never_more_owed_than_its_source_holds(city, payable, payee):
    greedy = propose_payable(
        payee=payee,
        envelope=payable.envelope,
        kind="subsidy_award",
        amount_fen=4001,
        source_account=payable.source_account,
        reference="greedy",
        policy_version="v1",
        actor=SYSTEM,
        at=NOW,
    )
    approve_payable(payable=greedy, actor=city.finance_1, at=NOW)
    with pytest.raises(InsufficientFunds):
        approve_payable(payable=greedy, actor=city.finance_2, at=NOW)
    greedy.refresh_from_db()
    assert greedy.state == Payable.State.HALF_APPROVED


def test_a_rejected_payable_leaves_its_value_where_it_was(city, payable):
    approve_payable(payable=payable, actor=city.finance_1, at=NOW)
    reject_payable(payable=payable, reason="wrong invoice", actor=city.finance_2, at=NOW)
    with pytest.raises(StaleState):
        approve_payable(payable=payable, actor=city.finance_2, at=NOW)
    payable.source_account.refresh_from_db()
    assert payable.source_account.balance_fen == 4000


class TestBankAccounts:
    def test_nobody_verifies_the_account_they_entered(self, city):
        account = add_bank_account(
            organization=make_organization("provider"),
            name="A",
            number="12345678",
            bank="B",
            actor=city.checker,
            at=NOW,
        )
        with pytest.raises(SamePerson):
            verify_bank_account(account=account, actor=city.checker, at=NOW)
        with (
            pytest.raises(DatabaseError, match="nobody_verifies_the_account_they_added"),
            transaction.atomic(),
        ):
            BankAccount.objects.filter(pk=account.pk).update(
                state="verified", verified_by_id=city.checker.person_id
            )

    def test_a_verified_account_replaces_the_one_before(self, city, payee):
        before = payee.bank_accounts.get()
        after = give_account(city, payee)
        before.refresh_from_db()
        assert (before.state, after.state) == ("retired", "verified")

    def test_a_verified_account_is_never_edited(self, city, payee):
        with pytest.raises(DatabaseError, match="is_written_once"), transaction.atomic():
            BankAccount.objects.filter(organization=payee).update(number="99999999")

    @pytest.mark.parametrize(
        ("field", "value"),
        [("number", "12-34"), ("number", "1234567"), ("name", "=cmd()"), ("bank", "")],
    )
    def test_refuses_an_account_no_bank_would_take(self, city, payee, field, value):
        given = {"name": "A", "number": "12345678", "bank": "B"} | {field: value}
        with pytest.raises(Invalid) as refusal:
            add_bank_account(organization=payee, **given, actor=city.maker, at=NOW)
        assert refusal.value.field == field

    def test_an_enterprise_does_not_enter_an_account_for_another(self, payee):
        stranger = make_actor(make_organization("enterprise"), "enterprise_applicant")
        with pytest.raises(NotPermitted):
            add_bank_account(
                organization=payee, name="A", number="12345678", bank="B", actor=stranger, at=NOW
            )
