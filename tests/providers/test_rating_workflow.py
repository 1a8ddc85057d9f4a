"""Verified, reminded, revoked: the steps around a rating."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from audit.decisions import SYSTEM, Invalid, NotFound, NotPermitted, SamePerson, StaleState
from audit.models import AuditEvent
from providers.actions.approve_rating import approve_rating
from providers.actions.check_rating import check_rating
from providers.actions.draft_rating import draft_rating
from providers.actions.reject_rating import reject_rating
from providers.actions.remind_of_ratings import remind_of_ratings
from providers.actions.submit_rating import submit_rating
from providers.actions.verify_rating import verify_rating
from providers.models import GreenRating
from tests.factories import NOW, make_actor
from tests.providers.supply import (
    FIRST_DAY,
    approve_row,
    ingest,
    make_facility,
    make_meter,
    meter_a_year,
    provider_admin,
    rated,
    reading,
    verifier,
)

pytestmark = [pytest.mark.slow, pytest.mark.django_db]
STEPS_OF_A_RATING = ("submitted", "auto_checked", "verified")


@pytest.fixture
def rating():
    facility = make_facility()
    meter_a_year(facility)
    return rated(facility)


@pytest.fixture
def drafted():
    facility = make_facility()
    meter_a_year(facility)
    actor = provider_admin(facility)
    return draft_rating(facility=facility, first_day=FIRST_DAY, actor=actor, at=NOW), actor


def test_a_draft_is_a_preview_that_says_what_would_raise_it(drafted):
    rating, _actor = drafted
    assert rating.state == "draft"
    assert rating.score is not None
    assert rating.findings["raises"]
    for early in (
        lambda: verify_rating(rating=rating, statement="seen", actor=verifier(), at=NOW),
        lambda: approve_rating(rating=rating, actor=verifier(), at=NOW),
        lambda: reject_rating(rating=rating, reason="no", actor=verifier(), at=NOW),
    ):
        with pytest.raises(StaleState):
            early()


def test_the_provider_submits_and_the_system_checks_it_anew(drafted):
    rating, actor = drafted
    assert submit_rating(rating=rating, actor=actor, at=NOW).state == "submitted"
    with pytest.raises(NotPermitted):
        check_rating(rating=rating, actor=actor, at=NOW)
    assert check_rating(rating=rating, actor=SYSTEM, at=NOW).state == "auto_checked"
    with pytest.raises(StaleState):
        submit_rating(rating=rating, actor=actor, at=NOW)


def test_only_the_provider_submits(drafted):
    rating, _actor = drafted
    with pytest.raises(NotPermitted):
        submit_rating(rating=rating, actor=verifier(), at=NOW)
    with pytest.raises(NotFound):
        submit_rating(rating=rating, actor=provider_admin(make_facility()), at=NOW)


def test_a_draft_whose_evidence_has_changed_since_is_rejected_with_the_reason(drafted):
    rating, actor = drafted
    facility = rating.facility
    water = make_meter(facility, "water_m3")
    ingest(facility, [reading(water, hour, "1") for hour in range(24)])
    submit_rating(rating=rating, actor=actor, at=NOW)
    assert check_rating(rating=rating, actor=SYSTEM, at=NOW).state == "rejected"
    assert "draft again" in rating.rejection_reason
    checked = AuditEvent.objects.get(kind="rating.checked")
    assert checked.data["input_sha256"] != rating.input_digest


def test_the_database_keeps_to_the_drawn_lines(drafted):
    rating, _actor = drafted
    mine = GreenRating.objects.filter(pk=rating.pk)
    for step in (*STEPS_OF_A_RATING, "draft"):
        row = GreenRating.objects.get(pk=rating.pk)
        allowed = {after for before, after in GreenRating.MOVES if before == row.state}
        for state in {*GreenRating.State.values} - allowed - {row.state}:
            with pytest.raises(DatabaseError, match="Invalid transition"), transaction.atomic():
                mine.update(state=state)
        if step in allowed:
            mine.update(state=step)


def test_the_database_lets_a_rating_begin_as_a_draft_only(drafted):
    rating, _actor = drafted
    rating.pk, rating.state = None, "auto_checked"
    with pytest.raises(DatabaseError, match="Cannot insert"), transaction.atomic():
        rating.save(force_insert=True)


def test_a_rating_whose_time_has_run_out_has_expired(rating):
    approve_rating(rating=rating, actor=verifier(), at=NOW)
    assert not rating.has_expired(rating.valid.upper - timedelta(seconds=1))
    assert rating.has_expired(rating.valid.upper)


def test_a_third_party_verifies_and_somebody_else_approves(rating):
    third = verifier()
    verify_rating(rating=rating, statement="meter room seen", actor=third, at=NOW)
    assert rating.state == "verified"
    with pytest.raises(SamePerson):
        approve_rating(rating=rating, actor=third, at=NOW)
    assert approve_rating(rating=rating, actor=verifier(), at=NOW).state == "approved"


def test_a_verification_says_what_was_seen(rating):
    with pytest.raises(Invalid):
        verify_rating(rating=rating, statement=" ", actor=verifier(), at=NOW)


def test_the_database_keeps_verifier_and_approver_apart(rating):
    third = verifier()
    verify_rating(rating=rating, statement="seen", actor=third, at=NOW)
    with pytest.raises(IntegrityError, match="are_three"), transaction.atomic():
        GreenRating.objects.filter(pk=rating.pk).update(approved_by=third.person_id)


def test_the_database_refuses_a_third_party_of_the_provider(rating):
    insider = make_actor(rating.facility.provider).person_id
    seen = {"state": "verified", "verified_at": NOW, "verification_statement": "seen"}
    with pytest.raises(IntegrityError, match="belongs to the provider"), transaction.atomic():
        GreenRating.objects.filter(pk=rating.pk).update(verified_by=insider, **seen)
    GreenRating.objects.filter(pk=rating.pk).update(verified_by=verifier().person_id, **seen)


def reminded(rating, days):
    at = rating.valid.upper - timedelta(days=days)
    return [each.days_before for each in remind_of_ratings(actor=SYSTEM, at=at)]


def test_the_end_is_announced_at_sixty_thirty_and_seven_days_once(rating):
    approve_rating(rating=rating, actor=verifier(), at=NOW)
    assert reminded(rating, 61) == []
    assert reminded(rating, 60) == [60]
    assert reminded(rating, 45) == []
    assert reminded(rating, 29) == [30]
    assert reminded(rating, 7) == [7]
    assert reminded(rating, 1) == []
    told = AuditEvent.objects.filter(kind="rating.expires_soon")
    assert [event.data["days"] for event in told.order_by("pk")] == [60, 30, 7]


@pytest.mark.django_db(transaction=True)
def test_beats_that_run_at_once_announce_each_step_once():
    facility = make_facility()
    valid = DateTimeTZRange(NOW, NOW + timedelta(days=90))
    row = GreenRating.objects.create(
        facility=facility,
        method_version="t",
        factors_version="t",
        period=DateTimeTZRange(NOW - timedelta(days=400), NOW - timedelta(days=35)),
        green_tier=3,
        score=60,
        score_possible=80,
        completeness=1,
        indicators=[],
        findings={},
        computed_at=NOW,
    )
    approve_row(row, valid, verifier().person_id)
    beats = 8

    def beat(at, start):
        try:
            start.wait()
            return len(remind_of_ratings(actor=SYSTEM, at=at))
        finally:
            connection.close()

    for days in (60, 30, 7):
        at, start = valid.upper - timedelta(days=days), Barrier(beats)
        with ThreadPoolExecutor(beats) as threads:
            sent = list(threads.map(beat, [at] * beats, [start] * beats))
        assert sorted(sent) == [0] * (beats - 1) + [1]
    told = AuditEvent.objects.filter(kind="rating.expires_soon").order_by("pk")
    assert [event.data["days"] for event in told] == [60, 30, 7]
