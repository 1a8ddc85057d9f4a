"""Ratings rest on stored evidence, are approved by strangers, and end."""

import json
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from audit.canonical import canonical_json, sha256_hex
from audit.decisions import Invalid, NotPermitted, SamePerson, StaleState
from identity.models import Membership
from identity.roles import Role
from providers.actions.allocate_certificates import allocate_certificates
from providers.actions.approve_rating import approve_rating
from providers.actions.challenge_rating import challenge_rating
from providers.actions.draft_rating import draft_rating
from providers.actions.register_certificates import NewCertificate, register_certificates
from providers.actions.reject_rating import reject_rating
from providers.actions.retire_certificates import retire_certificates
from providers.actions.revoke_rating import revoke_rating
from providers.actions.submit_rating import submit_rating
from providers.actions.uphold_rating import uphold_rating
from providers.green import canonical_input, canonical_output
from providers.models import Facility, GreenRating
from providers.queries import market_pools, rating_at
from providers.rating_inputs import rate_again
from providers.refusals import RatingExpired, Unrated, VerifierOfProvider
from tests.factories import NOW, make_actor, make_organization
from tests.providers.supply import (
    FIRST_DAY,
    YEAR_ENDS,
    YEAR_STARTS,
    make_facility,
    make_offer,
    make_pool,
    meter_a_year,
    provider_admin,
    rated,
    verifier,
)

pytestmark = [pytest.mark.slow, pytest.mark.django_db]
DAY = timedelta(days=1)


def hold_certificates(facility, count, *, actor, retired=True, prefix="GEC"):
    serials = [f"{prefix}-{facility.pk}-{n:06d}" for n in range(count)]
    register_certificates(
        owner=facility.provider,
        certificates=[NewCertificate(serial, date(2025, 6, 1)) for serial in serials],
        actor=actor,
        at=NOW,
    )
    allocate_certificates(
        facility=facility,
        starts_at=YEAR_STARTS,
        ends_at=YEAR_ENDS,
        serials=serials,
        actor=actor,
        at=NOW,
    )
    if retired:
        retire_certificates(facility=facility, serials=serials, actor=actor, at=NOW)
    return serials


@pytest.fixture(scope="module")
def metered_once(django_db_setup, django_db_blocker):
    """A metered year is dear: built once, inside a transaction around the module's tests."""
    with django_db_blocker.unblock(), transaction.atomic():
        facility = make_facility(design_racks=1000, installed_racks=800, racks_in_use=560)
        meter_a_year(facility)
        hold_certificates(facility, 900, actor=provider_admin(facility))
        yield facility.pk
        transaction.set_rollback(True)


@pytest.fixture
def metered(metered_once, db):
    """A facility with a metered year and certificates for some of it."""
    return Facility.objects.get(pk=metered_once)


def drafted(facility):
    actor = provider_admin(facility)
    return draft_rating(facility=facility, first_day=FIRST_DAY, actor=actor, at=NOW)


def computed(facility, actor=None):
    return rated(facility, actor=actor or provider_admin(facility))


def test_a_metered_facility_is_rated_and_its_facts_are_kept(metered):
    rating = computed(metered)
    assert rating.state == "auto_checked"
    assert rating.green_tier in (1, 2, 3, 4)
    assert str(rating.pue) == "1.185000"
    assert rating_at(metered, NOW) is None  # not in force before it is approved
    approve_rating(rating=rating, actor=verifier(), at=NOW)
    assert rating_at(metered, NOW) == rating


def test_a_rating_recomputed_from_its_stored_inputs_is_the_same_byte_for_byte(metered):
    rating = computed(metered)
    again = rate_again(json.loads(rating.bundle.input))
    assert canonical_json(canonical_input(again)) == rating.bundle.input
    assert canonical_json(canonical_output(again)) == rating.bundle.output
    assert sha256_hex(rating.bundle.input) == rating.input_digest == again.input_sha256
    assert sha256_hex(rating.bundle.output) == rating.output_digest == again.output_sha256


def test_computing_twice_from_the_same_evidence_gives_the_same_digests(metered):
    one, two = computed(metered), computed(metered)
    assert (one.input_digest, one.output_digest) == (two.input_digest, two.output_digest)


def test_an_outsider_recomputes_the_bundle_with_the_published_script(metered, tmp_path):
    rating = computed(metered)
    path = tmp_path / "bundle.json"
    path.write_text(
        json.dumps(
            {
                "input": json.loads(rating.bundle.input),
                "output": json.loads(rating.bundle.output),
                "input_sha256": rating.input_digest,
                "output_sha256": rating.output_digest,
            }
        )
    )
    script = Path(__file__).parents[2] / "docs" / "verify_rating.py"
    done = subprocess.run([sys.executable, script, path], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_facility_without_evidence_is_unrated_never_zero():
    facility = make_facility()
    make_offer(make_pool(facility))
    rating = drafted(facility)
    assert rating.green_tier is None
    assert rating.score is None
    assert rating.pue is None
    with pytest.raises(Unrated):
        submit_rating(rating=rating, actor=provider_admin(facility), at=NOW)
    with pytest.raises(Unrated):
        approve_rating(rating=rating, actor=verifier(), at=NOW)
    (pool,) = market_pools(at=NOW, starts_at=NOW, hours=4)
    assert (pool.green_tier, pool.pue, pool.green_share, pool.rating_id) == (None,) * 4


def test_a_period_that_has_not_ended_is_not_rated(metered):
    with pytest.raises(Invalid):
        draft_rating(
            facility=metered, first_day=date(2025, 6, 1), actor=provider_admin(metered), at=NOW
        )


def test_only_a_verifier_approves(metered):
    rating = computed(metered)
    with pytest.raises(NotPermitted):
        approve_rating(rating=rating, actor=provider_admin(metered), at=NOW)


def test_nobody_approves_a_rating_they_computed(metered):
    person = verifier()
    rating = computed(metered, person)
    with pytest.raises(SamePerson):
        approve_rating(rating=rating, actor=person, at=NOW)


def test_a_verifier_of_the_provider_is_refused_in_words(metered):
    rating, person = computed(metered), verifier()
    Membership.objects.create(user_id=person.person_id, organization=metered.provider)
    with pytest.raises(VerifierOfProvider):
        approve_rating(rating=rating, actor=person, at=NOW)


def approve_by_sql(rating, person_id):
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE providers_greenrating SET state = 'approved', approved_by_id = %s,"
            " valid = tstzrange(%s, %s) WHERE id = %s",
            [person_id, NOW, NOW + 30 * DAY, rating.pk],
        )


def test_the_database_refuses_a_verifier_of_the_provider(metered):
    rating = computed(metered)
    of_the_provider = make_actor(metered.provider).person_id
    with pytest.raises(IntegrityError, match="belongs to the provider"):
        approve_by_sql(rating, of_the_provider)
    approve_by_sql(rating, verifier().person_id)


def test_the_database_refuses_who_computed_the_rating(metered):
    person = verifier()
    rating = computed(metered, person)
    with pytest.raises(IntegrityError, match="nobody_approves_a_rating_they_computed"):
        approve_by_sql(rating, person.person_id)


def test_the_database_refuses_to_approve_an_unrated_facility():
    rating = drafted(make_facility())
    for state in ("submitted", "auto_checked"):
        GreenRating.objects.filter(pk=rating.pk).update(state=state)
    with pytest.raises(IntegrityError, match="a_rating_in_force_is_rated_and_approved"):
        approve_by_sql(rating, verifier().person_id)


@pytest.mark.parametrize("column", ["green_tier = 4", "input_digest = repeat('0', 64)", "pue = 1"])
def test_the_figures_of_a_rating_are_written_once(metered, column):
    rating = computed(metered)
    refused = pytest.raises(DatabaseError, match="what was written stays")
    with refused, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE providers_greenrating SET {column} WHERE id = %s", [rating.pk])


def test_an_expired_rating_is_not_used_and_not_approved(metered):
    rating = computed(metered)
    late = computed(metered)
    approve_rating(rating=rating, actor=verifier(), at=NOW)
    assert rating_at(metered, rating.expires_at - timedelta(seconds=1)) == rating
    assert rating_at(metered, rating.expires_at) is None
    with pytest.raises(RatingExpired):
        approve_rating(rating=late, actor=verifier(), at=rating.expires_at)


def test_a_revoked_rating_is_not_used_from_its_date_on_and_keeps_what_it_said(metered):
    make_offer(make_pool(metered))
    rating = approve_rating(rating=computed(metered), actor=verifier(), at=NOW)
    tier = rating.green_tier
    (seen,) = market_pools(at=NOW, starts_at=NOW, hours=4)
    revoke_rating(
        rating=rating, revoked_from=NOW + DAY, reason="meter swapped", actor=verifier(), at=NOW
    )
    assert rating_at(metered, NOW) == rating
    assert rating_at(metered, NOW + DAY) is None
    (later,) = market_pools(at=NOW + DAY, starts_at=NOW + DAY, hours=4)
    assert (later.green_tier, later.rating_id, later.pue) == (None, None, None)
    # A placement made before points at the rating it saw.
    kept = GreenRating.objects.get(pk=seen.rating_id)
    assert (kept.green_tier, kept.state) == (tier, "revoked")


def test_a_challenged_rating_stays_in_force_until_it_is_settled(metered):
    rating = approve_rating(rating=computed(metered), actor=verifier(), at=NOW)
    analyst = make_actor(make_organization("government"), Role.FRAUD_ANALYST)
    challenge_rating(rating=rating, reason="a doubt", actor=analyst, at=NOW)
    assert rating_at(metered, NOW) == rating
    uphold_rating(rating=rating, reason="meters sealed", actor=verifier(), at=NOW)
    assert rating.state == "approved"


def test_a_rejected_rating_is_not_approved_any_more(metered):
    rating = computed(metered)
    reject_rating(rating=rating, reason="meter not sealed", actor=verifier(), at=NOW)
    with pytest.raises(StaleState):
        approve_rating(rating=rating, actor=verifier(), at=NOW)


def test_a_certificate_only_counts_when_it_is_retired():
    facility = make_facility()
    meter_a_year(facility)
    hold_certificates(facility, 1200, actor=provider_admin(facility), retired=False)
    assert computed(facility).findings["renewable_kwh"]["grid"] == "0"
