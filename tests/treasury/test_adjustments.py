"""A running budget changes by two more signatures, a part at a time, and lapses to its own year."""

from datetime import UTC, datetime

import pytest
from django.db import DatabaseError, connection, transaction

from audit.decisions import SYSTEM, SamePerson, StaleState
from audit.models import AuditEvent
from ledger.actions.open_account import open_account
from tests.factories import NOW
from tests.treasury.conftest import appropriate, make_city, make_envelope
from treasury.actions.approve_adjustment import approve_adjustment, reject_adjustment
from treasury.actions.approve_tranche import approve_tranche
from treasury.actions.close_envelope import begin_closing, close_envelope
from treasury.actions.commit_value import commit_value, uncommit_value
from treasury.actions.create_envelope import create_envelope
from treasury.actions.end_budget_years import end_budget_years
from treasury.actions.open_envelope import open_envelope
from treasury.actions.propose_adjustment import propose_adjustment
from treasury.actions.propose_appropriation import propose_appropriation
from treasury.actions.propose_tranche import propose_tranche
from treasury.actions.raise_envelope_alerts import raise_envelope_alerts
from treasury.actions.suspend_return import suspend_return
from treasury.models import Adjustment, EnvelopeAlert, FundingSource
from treasury.queries import envelope_figures
from treasury.refusals import (
    AdjustInstead,
    CutBelowCommitted,
    EnvelopeExhausted,
    MixedBooks,
    NotSoMuchUnreleased,
    SuspenseNotEmpty,
)

pytestmark = pytest.mark.django_db


def commit(envelope, amount_fen, reference="a"):
    return commit_value(
        envelope=envelope,
        amount_fen=amount_fen,
        reference=reference,
        policy_version="v1",
        actor=SYSTEM,
        at=NOW,
    )


def uncommit(envelope, amount_fen, reference="a:back"):
    return uncommit_value(
        envelope=envelope,
        amount_fen=amount_fen,
        reference=reference,
        policy_version="v1",
        actor=SYSTEM,
        at=NOW,
    )


@pytest.fixture
def source(city):
    return FundingSource.objects.create(issuer=city.organization, name="line", level="province")


def adjust(city, kind, envelope, amount_fen, **more):
    return propose_adjustment(
        kind=kind,
        envelope=envelope,
        amount_fen=amount_fen,
        reason="the council said so",
        actor=city.budget_officer,
        at=NOW,
        **more,
    )


def approve(city, adjustment):
    approve_adjustment(adjustment=adjustment, actor=city.second_budget_officer, at=NOW)
    return approve_adjustment(adjustment=adjustment, actor=city.finance_1, at=NOW)


def parted(city, amount_fen):
    """An open envelope in tranches with `amount_fen` appropriated and nothing released."""
    envelope = create_envelope(
        issuer=city.organization,
        budget_year=2026,
        name="in parts",
        programme_code="p",
        in_tranches=True,
        actor=city.budget_officer,
        at=NOW,
    )
    appropriate(city, envelope, amount_fen)
    return open_envelope(envelope=envelope, actor=city.budget_officer, at=NOW)


def release(city, envelope, amount_fen):
    tranche = propose_tranche(
        envelope=envelope, amount_fen=amount_fen, reason="q1", actor=city.budget_officer, at=NOW
    )
    approve_tranche(tranche=tranche, actor=city.second_budget_officer, at=NOW)
    return approve_tranche(tranche=tranche, actor=city.finance_1, at=NOW)


class TestAdjustments:
    def test_an_addition_moves_money_at_the_second_approval(self, city, envelope, source):
        added = adjust(city, "add", envelope, 500, funding_source=source)
        approve_adjustment(adjustment=added, actor=city.second_budget_officer, at=NOW)
        assert envelope_figures(envelope).appropriated_fen == 100_000
        approve_adjustment(adjustment=added, actor=city.finance_1, at=NOW)
        figures = envelope_figures(envelope)
        assert (figures.appropriated_fen, figures.unaccounted_fen) == (100_500, 0)

    def test_three_people_sign_it(self, city, envelope, source):
        added = adjust(city, "add", envelope, 500, funding_source=source)
        with pytest.raises(SamePerson):
            approve_adjustment(adjustment=added, actor=city.budget_officer, at=NOW)
        approve_adjustment(adjustment=added, actor=city.finance_1, at=NOW)
        with pytest.raises(SamePerson):
            approve_adjustment(adjustment=added, actor=city.finance_1, at=NOW)

    @pytest.mark.parametrize(
        ("assignment", "refusal"),
        [
            ("approved_by_1_id = proposed_by_id", "an_adjustment_is_signed_by_three_people"),
            ("state = 'half_approved'", "an_adjustment_half_approved_names_its_approver"),
            ("state = 'approved'", "moves_along_drawn_lines"),
            ("amount_fen = 1", "is_written_once"),
        ],
    )
    def test_a_shell_session_cannot_sign(self, city, envelope, source, assignment, refusal):
        adjust(city, "add", envelope, 500, funding_source=source)
        with (
            pytest.raises(DatabaseError, match=refusal),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(f"UPDATE treasury_adjustment SET {assignment}")

    def test_a_second_signature_of_the_first_signer_fails_in_the_database(
        self, city, envelope, source
    ):
        added = adjust(city, "add", envelope, 500, funding_source=source)
        approve_adjustment(adjustment=added, actor=city.finance_1, at=NOW)
        with (
            pytest.raises(DatabaseError, match="an_adjustment_is_signed_by_three_people"),
            transaction.atomic(),
        ):
            Adjustment.objects.filter(pk=added.pk).update(approved_by_2_id=city.finance_1.person_id)

    def test_a_transfer_takes_only_what_is_not_committed(self, city, envelope):
        other = make_envelope(city, holding_fen=7)
        commit(envelope, 60_000)
        too_much = adjust(city, "transfer", envelope, 40_001, to_envelope=other)
        with pytest.raises(CutBelowCommitted):
            approve(city, too_much)
        too_much.refresh_from_db()
        assert too_much.state == "half_approved"
        approve(city, adjust(city, "transfer", envelope, 40_000, to_envelope=other))
        one, two = envelope_figures(envelope), envelope_figures(other)
        assert (one.appropriated_fen, one.available_fen, one.unaccounted_fen) == (60_000, 0, 0)
        assert (two.appropriated_fen, two.available_fen, two.unaccounted_fen) == (40_007, 40_007, 0)

    def test_no_transfer_to_another_citys_envelope(self, city, envelope):
        theirs = make_envelope(make_city(), holding_fen=7)
        with pytest.raises(MixedBooks):
            adjust(city, "transfer", envelope, 1, to_envelope=theirs)

    def test_a_rejected_adjustment_moves_nothing(self, city, envelope, source):
        added = adjust(city, "add", envelope, 500, funding_source=source)
        reject_adjustment(adjustment=added, reason="no", actor=city.finance_1, at=NOW)
        with pytest.raises(StaleState):
            approve(city, added)

    def test_an_open_budget_is_not_appropriated_again(self, city, envelope, source):
        with pytest.raises(AdjustInstead):
            propose_appropriation(
                envelope=envelope,
                funding_source=source,
                amount_fen=5,
                actor=city.budget_officer,
                at=NOW,
            )
        with (
            pytest.raises(DatabaseError, match="is adjusted, not appropriated"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(
                "INSERT INTO treasury_appropriation (envelope_id, funding_source_id, kind,"
                " amount_fen, state, proposed_at) VALUES (%s, %s, 'appropriate', 5, 'proposed',"
                " now())",
                [envelope.pk, source.pk],
            )


class TestTranches:
    def test_only_a_released_part_can_be_promised_to_the_last_fen(self, city):
        envelope = parted(city, 1000)
        with pytest.raises(EnvelopeExhausted):
            commit(envelope, 1)
        assert release(city, envelope, 300).number == 1
        commit(envelope, 300)
        with pytest.raises(EnvelopeExhausted):
            commit(envelope, 1, "b")
        with pytest.raises(NotSoMuchUnreleased):
            release(city, envelope, 701)
        figures = envelope_figures(envelope)
        assert (figures.unreleased_fen, figures.committed_fen) == (700, 300)
        assert (figures.appropriated_fen, figures.unaccounted_fen) == (1000, 0)

    def test_a_cut_takes_what_is_not_released_first(self, city, source):
        envelope = parted(city, 1000)
        release(city, envelope, 300)
        approve(city, adjust(city, "cut", envelope, 800, funding_source=source))
        figures = envelope_figures(envelope)
        assert (figures.unreleased_fen, figures.available_fen) == (0, 200)
        assert figures.unaccounted_fen == 0

    def test_what_was_never_released_lapses_at_the_close(self, city):
        envelope = parted(city, 1000)
        release(city, envelope, 300)
        begin_closing(envelope=envelope, actor=city.budget_officer, at=NOW)
        close_envelope(envelope=envelope, actor=city.budget_officer, at=NOW)
        assert envelope_figures(envelope).lapsed_fen == 1000


NEW_YEAR = datetime(2026, 12, 31, 16, 0, tzinfo=UTC)  # midnight in Shanghai


class TestTheEndOfTheYear:
    def test_the_year_ends_at_midnight_in_shanghai_and_not_before(self, city, envelope):
        before = datetime(2026, 12, 31, 15, 59, 59, tzinfo=UTC)
        assert end_budget_years(actor=SYSTEM, at=before)["closing"] == 0
        assert end_budget_years(actor=SYSTEM, at=NEW_YEAR)["closed"] == 1
        envelope.refresh_from_db()
        assert (envelope.state, envelope_figures(envelope).lapsed_fen) == ("closed", 100_000)

    def test_a_promise_keeps_its_envelope_closing_and_lapses_to_its_own_year(self, city, envelope):
        commit(envelope, 10)
        assert end_budget_years(actor=SYSTEM, at=NEW_YEAR) == {
            "closing": 1,
            "closed": 0,
            "waiting": 1,
        }
        assert uncommit(envelope, 10).kind == "lapse"
        assert uncommit(envelope, 10).kind == "lapse"  # the same again is the same
        figures = envelope_figures(envelope)
        assert (figures.available_fen, figures.lapsed_fen) == (99_990, 10)
        end_budget_years(actor=SYSTEM, at=NEW_YEAR)
        lapse = open_account(book=envelope.book, code=envelope.lapse_code)
        assert (lapse.book.budget_year, lapse.balance_fen) == (2026, 100_000)

    def test_nothing_unidentified_is_left_at_a_close(self, city, envelope):
        suspend_return(
            issuer=city.organization,
            amount_fen=5,
            bank_reference="B1",
            note="?",
            actor=city.maker,
            at=NOW,
        )
        begin_closing(envelope=envelope, actor=city.budget_officer, at=NOW)
        with pytest.raises(SuspenseNotEmpty):
            close_envelope(envelope=envelope, actor=city.budget_officer, at=NOW)
        with (
            pytest.raises(DatabaseError, match="unidentified bank returns are left"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute("UPDATE treasury_envelope SET state = 'closed'")


def test_alerts_are_raised_once_at_each_threshold(city, envelope, source):
    commit(envelope, 74_999, "a")
    assert raise_envelope_alerts(actor=SYSTEM, at=NOW) == 0
    commit(envelope, 1, "b")
    assert raise_envelope_alerts(actor=SYSTEM, at=NOW) == 1
    assert raise_envelope_alerts(actor=SYSTEM, at=NOW) == 0
    commit(envelope, 25_000, "c")
    assert raise_envelope_alerts(actor=SYSTEM, at=NOW) == 2
    assert [each.percent for each in EnvelopeAlert.objects.order_by("percent")] == [75, 90, 100]
    assert AuditEvent.objects.filter(kind="envelope.alert").count() == 3
    approve(city, adjust(city, "add", envelope, 100_000, funding_source=source))
    assert raise_envelope_alerts(actor=SYSTEM, at=NOW) == 0
