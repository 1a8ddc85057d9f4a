"""Verified, reminded, revoked: the steps around a rating."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from audit.decisions import SYSTEM, Invalid, SamePerson
from audit.models import AuditEvent
from providers.actions.approve_rating import approve_rating
from providers.actions.compute_rating import compute_rating
from providers.actions.remind_of_ratings import remind_of_ratings
from providers.actions.verify_rating import verify_rating
from providers.models import GreenRating
from tests.factories import NOW
from tests.providers.supply import FIRST_DAY, make_facility, meter_a_year, verifier

pytestmark = pytest.mark.django_db


@pytest.fixture
def rating():
    facility = make_facility()
    meter_a_year(facility)
    return compute_rating(facility=facility, first_day=FIRST_DAY, actor=SYSTEM, at=NOW)


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
