"""Public money that must come back: noticed, contested, decided, demanded, and followed."""

from datetime import date, timedelta

import pytest
from django.db import DatabaseError, connection, transaction

from audit.decisions import Invalid, NotFound, SamePerson, StaleState
from identity.actions.register_succession import register_succession
from ledger.actions.open_account import open_account
from ledger.queries import balance_fen
from tests.factories import NOW, make_actor, make_organization
from tests.treasury.test_payouts import answer, ids, make, send
from treasury.actions.decide_recovery import contest_recovery, decide_recovery
from treasury.actions.follow_successor import follow_successor, litigate_recovery
from treasury.actions.issue_demand import issue_demand
from treasury.actions.open_recovery import open_recovery, serve_notice
from treasury.actions.plan_instalments import plan_instalments
from treasury.actions.receive_recovery import offset_payable, receive_cash
from treasury.actions.write_off import (
    approve_write_off,
    check_for_fraud,
    propose_write_off,
    reject_write_off,
)
from treasury.bank_files import BankRow
from treasury.models import Payable, RecoveryCase, WriteOff
from treasury.queries import envelope_figures, recoveries_visible_to
from treasury.recovery_figures import figures_of, instalments_of
from treasury.refusals import (
    ClaimsTooMuch,
    ContestOpen,
    ContestTooLate,
    FraudNotCleared,
    MoreThanOutstanding,
    NoSuccessor,
    NothingToOffset,
    PlanDoesNotAddUp,
)

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
AFTER = NOW + 15 * DAY
DUE = date(2026, 6, 1)


@pytest.fixture
def paid(city, owe):
    """A payable of 1,000 fen that was paid."""
    payable = owe(1000)
    batch = send(city, make(city, payable))
    answer(city, batch, BankRow(ids(batch)[0], "paid"))
    payable.refresh_from_db()
    return payable


@pytest.fixture
def debtor(payee):
    return make_actor(payee, "provider_admin")


def open_case(city, payable, amount_fen=800):
    return open_recovery(
        payable=payable,
        amount_fen=amount_fen,
        cause="breach",
        finding="hours were not delivered",
        actor=city.finance_1,
        at=NOW,
    )


@pytest.fixture
def served(city, paid):
    case = open_case(city, paid)
    return serve_notice(case=case, actor=city.finance_1, at=NOW)


@pytest.fixture
def demanded(city, served):
    return issue_demand(case=served, due_date=DUE, actor=city.finance_2, at=AFTER)


def figures(case):
    return figures_of([RecoveryCase.objects.get(pk=case.pk)])[case.pk]


def cash(city, case, amount_fen, reference="B1"):
    return receive_cash(
        case=case, amount_fen=amount_fen, bank_reference=reference, actor=city.finance_1, at=AFTER
    )


def test_an_uncontested_demand_waits_for_the_deadline_and_then_stands_in_the_books(city, served):
    with pytest.raises(ContestOpen):
        issue_demand(case=served, due_date=DUE, actor=city.finance_2, at=AFTER - DAY)
    issue_demand(case=served, due_date=DUE, actor=city.finance_2, at=AFTER)
    found = figures(served)
    assert (served.state, found.demanded_fen, found.outstanding_fen) == ("demand_issued", 800, 800)
    assert found.unaccounted_fen == 0


def test_the_debtor_contests_and_another_officer_decides(city, served, debtor):
    contest_recovery(case=served, statement="we did deliver", actor=debtor, at=NOW + DAY)
    with pytest.raises(SamePerson):
        decide_recovery(
            case=served, upheld_fen=500, decision="in part", actor=city.finance_1, at=NOW
        )
    with pytest.raises(Invalid):
        decide_recovery(case=served, upheld_fen=801, decision="", actor=city.finance_2, at=NOW)
    decide_recovery(case=served, upheld_fen=500, decision="in part", actor=city.finance_2, at=NOW)
    issue_demand(case=served, due_date=DUE, actor=city.finance_2, at=NOW + 2 * DAY)
    assert figures(served).outstanding_fen == 500


def test_a_contest_that_holds_dismisses_the_case(city, served, debtor):
    contest_recovery(case=served, statement="we did deliver", actor=debtor, at=NOW + DAY)
    decide_recovery(case=served, upheld_fen=0, decision="right", actor=city.finance_2, at=NOW)
    assert served.state == "dismissed"
    with pytest.raises(StaleState):
        issue_demand(case=served, due_date=DUE, actor=city.finance_2, at=AFTER)


def test_only_the_debtor_contests_and_only_in_time(city, served, debtor):
    with pytest.raises(NotFound):
        contest_recovery(case=served, statement="", actor=city.finance_2, at=NOW)
    with pytest.raises(ContestTooLate):
        contest_recovery(case=served, statement="", actor=debtor, at=AFTER)


def test_who_opens_a_case_does_not_demand_it(city, served):
    with pytest.raises(SamePerson):
        issue_demand(case=served, due_date=DUE, actor=city.finance_1, at=AFTER)


def test_no_more_is_claimed_than_was_paid_over_all_cases(city, paid):
    open_case(city, paid, 800)
    with pytest.raises(ClaimsTooMuch):
        open_case(city, paid, 201)
    open_case(city, paid, 200)


def test_what_was_not_paid_is_not_claimed_back(city, owe):
    with pytest.raises(ClaimsTooMuch):
        open_case(city, owe(1000))


def test_cash_comes_back_to_the_last_fen_and_not_one_more(city, demanded):
    cash(city, demanded, 300)
    assert demanded.state == "recovering"
    with pytest.raises(MoreThanOutstanding):
        cash(city, demanded, 501, "B2")
    with pytest.raises(Invalid):
        cash(city, demanded, 1, "B1")
    cash(city, demanded, 500, "B2")
    found = figures(demanded)
    assert (demanded.state, found.outstanding_fen, found.cash_fen) == ("recovered", 0, 800)
    assert found.unaccounted_fen == 0


class TestOffset:
    def test_a_larger_debt_takes_the_whole_payable_and_the_rest_stays_owed(
        self, city, demanded, owe, envelope
    ):
        small = owe(300)
        offset_payable(case=demanded, payable=small, actor=city.finance_1, at=AFTER)
        assert (small.state, small.due_fen) == ("offset", 0)
        found = figures(demanded)
        assert (found.outstanding_fen, found.offset_fen, found.unaccounted_fen) == (500, 300, 0)
        owed = open_account(book=small.book, code=small.account_code)
        assert balance_fen(owed) == 0
        assert envelope_figures(envelope).unaccounted_fen == 0
        with pytest.raises(StaleState):
            make(city, small)

    def test_a_smaller_debt_leaves_the_rest_of_the_payable_to_be_paid(
        self, city, demanded, owe, envelope
    ):
        large = owe(2000)
        offset_payable(case=demanded, payable=large, actor=city.finance_1, at=AFTER)
        assert (large.state, large.due_fen, demanded.state) == ("approved", 1200, "recovered")
        batch = send(city, make(city, large))
        assert batch.control_total_fen == 1200
        answer(city, batch, BankRow(ids(batch)[0], "paid", amount_fen=1200))
        owed = open_account(book=large.book, code=large.account_code)
        assert balance_fen(owed) == 0
        assert envelope_figures(envelope).unaccounted_fen == 0

    def test_nothing_is_kept_from_another_or_from_what_is_on_its_way(self, city, demanded, owe):
        theirs = owe(50, make_organization("provider"))
        with pytest.raises(NothingToOffset):
            offset_payable(case=demanded, payable=theirs, actor=city.finance_1, at=AFTER)
        going = owe(50)
        make(city, going)
        with pytest.raises(NothingToOffset):
            offset_payable(case=demanded, payable=going, actor=city.finance_1, at=AFTER)

    @pytest.mark.parametrize(
        ("assignment", "refusal"),
        [
            ("offset_fen = amount_fen + 1", "its offsets do not say so"),
            ("offset_fen = -1", "its offsets do not say so"),
            ("offset_fen = 1", "its offsets do not say so"),
            ("state = 'offset'", "a_payable_wholly_offset_is_not_paid"),
        ],
    )
    def test_a_shell_session_cannot_keep_money(self, city, owe, assignment, refusal):
        payable = owe(100)
        with (
            pytest.raises(DatabaseError, match=refusal),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(f"UPDATE treasury_payable SET {assignment} WHERE id = %s", [payable.pk])

    def test_without_the_trigger_the_constraint_still_refuses_a_negative_payable(self, owe):
        payable = owe(100)
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("ALTER TABLE treasury_payable DISABLE TRIGGER USER")
            with (
                pytest.raises(DatabaseError, match="a_payable_is_never_negative"),
                transaction.atomic(),
            ):
                Payable.objects.filter(pk=payable.pk).update(offset_fen=101)
            cursor.execute("ALTER TABLE treasury_payable ENABLE TRIGGER USER")


class TestInstalments:
    def test_a_plan_is_for_exactly_what_is_outstanding(self, city, demanded):
        parts = [(date(2026, 4, 1), 500), (date(2026, 5, 1), 299)]
        with pytest.raises(PlanDoesNotAddUp):
            plan_instalments(case=demanded, parts=parts, actor=city.finance_1, at=AFTER)
        with pytest.raises(Invalid):
            plan_instalments(case=demanded, parts=parts[::-1], actor=city.finance_1, at=AFTER)

    def test_receipts_fill_the_newest_plan_in_order(self, city, demanded):
        parts = [(date(2026, 4, 1), 500), (date(2026, 5, 1), 300)]
        plan_instalments(case=demanded, parts=parts, actor=city.finance_1, at=AFTER)
        cash(city, demanded, 600)
        one, two = instalments_of(demanded, today=date(2026, 5, 2))
        assert (one.paid_fen, one.overdue, two.paid_fen, two.overdue) == (500, False, 100, True)
        plan_instalments(
            case=demanded, parts=[(date(2026, 7, 1), 200)], actor=city.finance_1, at=AFTER
        )
        (only,) = instalments_of(demanded, today=date(2026, 5, 2))
        assert (only.amount_fen, only.paid_fen, only.overdue) == (200, 0, False)


class TestASuccessor:
    def test_the_case_follows_to_the_end_and_the_offset_too(self, city, demanded, owe, payee):
        first, last = make_organization("provider"), make_organization("provider")
        for predecessor, successor in ((payee, first), (first, last)):
            register_succession(
                predecessor=predecessor,
                successor=successor,
                kind="merged",
                effective_date=date(2026, 3, 10),
                evidence="registry extract",
                actor=city.finance_1,
                at=NOW,
            )
        with pytest.raises(NoSuccessor):
            follow_successor(case=demanded, actor=city.finance_1, at=NOW)
        follow_successor(case=demanded, actor=city.finance_1, at=AFTER)
        assert (demanded.debtor, demanded.original_debtor) == (last, payee)
        offset_payable(case=demanded, payable=owe(40, last), actor=city.finance_1, at=AFTER)
        assert figures(demanded).offset_fen == 40


class TestWriteOff:
    @pytest.fixture
    def analyst(self, city):
        return make_actor(city.organization, "fraud_analyst")

    @pytest.fixture
    def third(self, city):
        return make_actor(city.organization, "finance_reviewer")

    @pytest.fixture
    def proposed(self, city, demanded):
        return propose_write_off(
            case=demanded, amount_fen=800, reason="insolvent", actor=city.finance_1, at=AFTER
        )

    def test_needs_a_clear_fraud_check_and_two_approvals(
        self, city, demanded, proposed, analyst, third
    ):
        with pytest.raises(FraudNotCleared):
            approve_write_off(write_off=proposed, actor=city.finance_2, at=AFTER)
        check_for_fraud(
            write_off=proposed, result="clear", note="court file", actor=analyst, at=AFTER
        )
        with pytest.raises(SamePerson):
            approve_write_off(write_off=proposed, actor=city.finance_1, at=AFTER)
        approve_write_off(write_off=proposed, actor=city.finance_2, at=AFTER)
        assert figures(demanded).written_off_fen == 0
        approve_write_off(write_off=proposed, actor=third, at=AFTER)
        demanded.refresh_from_db()
        found = figures(demanded)
        assert (demanded.state, found.written_off_fen) == ("written_off", 800)
        assert (found.outstanding_fen, found.unaccounted_fen) == (0, 0)

    def test_suspected_fraud_is_not_written_off(self, city, proposed, analyst):
        check_for_fraud(write_off=proposed, result="suspected", note="!", actor=analyst, at=AFTER)
        with pytest.raises(FraudNotCleared):
            approve_write_off(write_off=proposed, actor=city.finance_2, at=AFTER)
        with pytest.raises(StaleState):
            check_for_fraud(write_off=proposed, result="clear", note="", actor=analyst, at=AFTER)
        with pytest.raises(DatabaseError, match="a_write_off_passed"), transaction.atomic():
            WriteOff.objects.filter(pk=proposed.pk).update(
                state="half_approved", approved_by_1_id=city.finance_2.person_id
            )

    def test_what_came_back_meanwhile_is_not_written_off(
        self, city, demanded, proposed, analyst, third
    ):
        check_for_fraud(write_off=proposed, result="clear", note="x", actor=analyst, at=AFTER)
        approve_write_off(write_off=proposed, actor=city.finance_2, at=AFTER)
        cash(city, demanded, 1)
        with pytest.raises(MoreThanOutstanding):
            approve_write_off(write_off=proposed, actor=third, at=AFTER)

    def test_a_case_in_court_is_still_paid(self, city, demanded):
        litigate_recovery(case=demanded, court_reference="C1", actor=city.finance_1, at=AFTER)
        cash(city, demanded, 800)
        assert demanded.state == "recovered"

    def test_a_rejected_write_off_leaves_the_debt(self, city, demanded, proposed):
        reject_write_off(write_off=proposed, reason="no", actor=city.finance_2, at=AFTER)
        assert figures(demanded).outstanding_fen == 800


@pytest.mark.parametrize(
    ("statement", "refusal"),
    [
        ("SET state = 'recovered'", "moves_along_drawn_lines"),
        ("SET state = 'written_off'", "moves_along_drawn_lines"),
        ("SET demanded_by_id = opened_by_id", "is_written_once|does_not_decide_or_demand"),
        ("SET demanded_fen = 1", "is_written_once"),
        ("SET claimed_fen = 1", "is_written_once"),
    ],
)
def test_a_shell_session_cannot_bend_a_case(demanded, statement, refusal):
    with (
        pytest.raises(DatabaseError, match=refusal),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(f"UPDATE treasury_recoverycase {statement}")


def test_the_database_too_refuses_a_demand_by_who_opened_it(city, served):
    with (
        pytest.raises(DatabaseError, match="who_opens_a_recovery_does_not_decide"),
        transaction.atomic(),
    ):
        RecoveryCase.objects.filter(pk=served.pk).update(demanded_by_id=city.finance_1.person_id)


def test_a_debtor_sees_its_case_once_the_notice_is_served(city, paid, debtor):
    case = open_case(city, paid)
    assert not recoveries_visible_to(debtor).exists()
    serve_notice(case=case, actor=city.finance_1, at=NOW)
    assert list(recoveries_visible_to(debtor)) == [case]
