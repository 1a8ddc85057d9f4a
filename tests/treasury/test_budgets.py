"""Budgets: drawn up by one, funded by two, promised down to the last fen."""

import pytest
from django.db import DatabaseError, connection, transaction

from audit.decisions import SYSTEM, NotFound, NotPermitted, SamePerson, StaleState
from audit.models import AuditEvent
from ledger.models import Transfer
from ledger.refusals import ReferenceReused
from tests.factories import NOW, make_actor, make_organization
from tests.treasury.conftest import appropriate, make_city, make_envelope
from treasury.actions.approve_adjustment import approve_adjustment
from treasury.actions.approve_appropriation import approve_appropriation
from treasury.actions.close_envelope import begin_closing, close_envelope
from treasury.actions.commit_value import commit_value, uncommit_value
from treasury.actions.create_envelope import create_envelope
from treasury.actions.freeze_envelope import freeze_envelope
from treasury.actions.open_envelope import open_envelope
from treasury.actions.propose_adjustment import propose_adjustment
from treasury.actions.propose_appropriation import propose_appropriation
from treasury.actions.reject_appropriation import reject_appropriation
from treasury.models import Appropriation, Envelope, FundingSource
from treasury.queries import envelope_figures
from treasury.refusals import CutBelowCommitted, EnvelopeExhausted, EnvelopeNotOpen

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


@pytest.fixture
def source(city):
    return FundingSource.objects.create(
        issuer=city.organization, name="provincial line", level="province"
    )


@pytest.fixture
def unopened(city):
    """An envelope with 100,000 fen that nobody opened yet."""
    envelope = make_envelope(city)
    appropriate(city, envelope, 100_000)
    return envelope


@pytest.fixture
def proposed(city, unopened, source):
    return propose_appropriation(
        envelope=unopened,
        funding_source=source,
        amount_fen=5000,
        actor=city.budget_officer,
        at=NOW,
    )


def test_an_appropriation_moves_money_only_when_a_second_person_approves(city, unopened, proposed):
    assert envelope_figures(unopened).appropriated_fen == 100_000
    approve_appropriation(appropriation=proposed, actor=city.second_budget_officer, at=NOW)
    figures = envelope_figures(unopened)
    assert (figures.appropriated_fen, figures.available_fen) == (105_000, 105_000)
    event = AuditEvent.objects.get(kind="appropriation.approved", subject_id=str(proposed.pk))
    assert event.person_id == city.second_budget_officer.person_id


def test_nobody_approves_their_own_appropriation(city, unopened, proposed):
    with pytest.raises(SamePerson):
        approve_appropriation(appropriation=proposed, actor=city.budget_officer, at=NOW)
    assert envelope_figures(unopened).appropriated_fen == 100_000


def test_the_database_too_refuses_an_approval_by_the_proposer(city, proposed):
    with (
        pytest.raises(DatabaseError, match="nobody_approves_their_own_appropriation"),
        transaction.atomic(),
    ):
        Appropriation.objects.filter(pk=proposed.pk).update(
            approved_by_id=city.budget_officer.person_id
        )


@pytest.mark.parametrize(
    ("statement", "refusal"),
    [
        (
            "UPDATE treasury_appropriation SET state = 'approved'",
            "an_approved_appropriation_is_signed_and_posted",
        ),
        ("UPDATE treasury_appropriation SET amount_fen = 1", "is_written_once"),
        ("UPDATE treasury_appropriation SET proposed_by_id = approved_by_id", "is_written_once"),
        ("DELETE FROM treasury_appropriation", "is_never_deleted"),
        ("TRUNCATE treasury_appropriation", "is never emptied"),
        ("UPDATE treasury_envelope SET state = 'drafted'", "moves_along_drawn_lines"),
        (
            "INSERT INTO treasury_envelope (issuer_id, book_id, name, programme_code, state,"
            " created_at) SELECT issuer_id, book_id, 'gift', 'x', 'open', now()"
            " FROM treasury_envelope LIMIT 1",
            "starts_as_drafted",
        ),
    ],
)
def test_a_shell_session_cannot_bend_a_budget(city, proposed, statement, refusal):
    with (
        pytest.raises(DatabaseError, match=refusal),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        # Settled first, because PostgreSQL refuses TRUNCATE while deferred triggers wait.
        cursor.execute(f"SET CONSTRAINTS ALL IMMEDIATE; {statement}")


def test_an_approval_stands_once(city, proposed):
    approve_appropriation(appropriation=proposed, actor=city.second_budget_officer, at=NOW)
    with pytest.raises(StaleState) as refusal:
        approve_appropriation(appropriation=proposed, actor=city.finance_1, at=NOW)
    assert refusal.value.facts["current"] == "approved"
    assert Transfer.objects.filter(reference=f"appropriation:{proposed.pk}").count() == 1


def test_a_rejected_appropriation_is_not_approved_later(city, unopened, proposed):
    reject_appropriation(appropriation=proposed, reason="twice", actor=city.finance_1, at=NOW)
    with pytest.raises(StaleState):
        approve_appropriation(appropriation=proposed, actor=city.second_budget_officer, at=NOW)
    assert envelope_figures(unopened).appropriated_fen == 100_000


def test_the_system_approves_nothing(proposed):
    with pytest.raises(NotPermitted):
        approve_appropriation(appropriation=proposed, actor=SYSTEM, at=NOW)


def test_an_officer_of_another_city_finds_no_such_object(proposed, envelope):
    stranger = make_city()
    with pytest.raises(NotFound):
        approve_appropriation(appropriation=proposed, actor=stranger.budget_officer, at=NOW)
    with pytest.raises(NotFound):
        freeze_envelope(envelope=envelope, reason="", actor=stranger.budget_officer, at=NOW)


def test_without_the_role_no_envelope(city):
    with pytest.raises(NotPermitted):
        create_envelope(
            issuer=city.organization,
            budget_year=2026,
            name="x",
            programme_code="x",
            actor=make_actor(city.organization, "reviewer"),
            at=NOW,
        )
    enterprise = make_organization("enterprise")
    with pytest.raises(NotPermitted):
        create_envelope(
            issuer=enterprise,
            budget_year=2026,
            name="x",
            programme_code="x",
            actor=make_actor(enterprise, "enterprise_applicant"),
            at=NOW,
        )


def test_a_cut_takes_only_what_is_not_committed(city, envelope, source):
    commit(envelope, 60_000)

    def cut(amount_fen):
        adjustment = propose_adjustment(
            kind="cut",
            envelope=envelope,
            funding_source=source,
            amount_fen=amount_fen,
            reason="the council cut it",
            actor=city.budget_officer,
            at=NOW,
        )
        approve_adjustment(adjustment=adjustment, actor=city.second_budget_officer, at=NOW)
        approve_adjustment(adjustment=adjustment, actor=city.finance_1, at=NOW)

    with pytest.raises(CutBelowCommitted):
        cut(40_001)
    cut(40_000)
    figures = envelope_figures(envelope)
    assert (figures.available_fen, figures.committed_fen) == (0, 60_000)
    assert figures.unaccounted_fen == 0


def test_commits_to_the_last_fen_and_not_one_more(envelope):
    commit(envelope, 99_999, "a")
    with pytest.raises(EnvelopeExhausted):
        commit(envelope, 2, "b")
    commit(envelope, 1, "c")
    figures = envelope_figures(envelope)
    assert (figures.available_fen, figures.committed_fen) == (0, 100_000)


def test_a_commitment_is_made_once_for_its_reference(envelope):
    assert commit(envelope, 10, "a") == commit(envelope, 10, "a")
    with pytest.raises(ReferenceReused):
        commit(envelope, 11, "a")
    assert envelope_figures(envelope).committed_fen == 10


def test_only_an_open_envelope_makes_new_commitments(city, envelope):
    first = commit(envelope, 10, "a")
    freeze_envelope(envelope=envelope, reason="audit", actor=city.finance_1, at=NOW)
    with pytest.raises(EnvelopeNotOpen):
        commit(envelope, 10, "b")
    assert commit(envelope, 10, "a") == first  # a retry is answered, not refused
    open_envelope(envelope=envelope, actor=city.budget_officer, at=NOW)
    commit(envelope, 10, "b")


def test_a_drafted_envelope_has_nothing_to_commit(city):
    envelope = make_envelope(city)
    assert envelope.state == Envelope.State.DRAFTED
    with pytest.raises(EnvelopeNotOpen):
        commit(envelope, 1)
    with pytest.raises(StaleState):
        open_envelope(envelope=envelope, actor=city.budget_officer, at=NOW)
    appropriate(city, envelope, 10)
    assert envelope.state == Envelope.State.APPROPRIATED


def test_a_promise_taken_back_is_available_again(envelope):
    commit(envelope, 70_000, "a")
    uncommit_value(
        envelope=envelope,
        amount_fen=70_000,
        reference="a:back",
        policy_version="v1",
        actor=SYSTEM,
        at=NOW,
    )
    assert envelope_figures(envelope).available_fen == 100_000


def test_a_closed_envelope_lapses_what_is_left_and_waits_for_what_is_promised(city, envelope):
    commit(envelope, 10, "a")
    begin_closing(envelope=envelope, actor=city.budget_officer, at=NOW)
    with pytest.raises(StaleState):
        close_envelope(envelope=envelope, actor=city.budget_officer, at=NOW)
    uncommit_value(
        envelope=envelope,
        amount_fen=10,
        reference="a:back",
        policy_version="v1",
        actor=SYSTEM,
        at=NOW,
    )
    close_envelope(envelope=envelope, actor=city.budget_officer, at=NOW)
    figures = envelope_figures(envelope)
    assert (figures.available_fen, figures.lapsed_fen) == (0, 100_000)
    assert envelope.state == Envelope.State.CLOSED
