"""A revocation reaches the orders after its date, and none before."""

from datetime import timedelta

import pytest
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from audit.models import AuditEvent
from identity.roles import Role
from marketplace.models import Order
from marketplace.reactions import rerate_what_rested_on_it
from providers.actions.revoke_rating import revoke_rating
from providers.models import GreenRating
from tests.factories import NOW, make_actor, make_organization
from tests.marketplace.orders import accept, make_buyer, offer
from tests.providers.supply import approve_row
from tests.scheduling.builders import make_pool

pytestmark = pytest.mark.django_db


def approved(pool):
    row = GreenRating.objects.create(
        facility=pool.facility,
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
    officer = make_actor(make_organization("government"), Role.RATING_VERIFIER)
    valid = DateTimeTZRange(NOW - timedelta(days=30), NOW + timedelta(days=300))
    approve_row(row, valid, officer.person_id)
    return row, officer


def ordered(buyer, pool, rating, at):
    placement = offer(buyer, pool=pool)
    placement.rating = rating
    placement.save(update_fields=["rating"])
    order = accept(buyer, placement)
    Order.objects.filter(pk=order.pk).update(placed_at=at)
    return order


def test_orders_after_the_date_are_rated_again_and_those_before_stand():
    pool, buyer = make_pool(units=64), make_buyer()
    rating, officer = approved(pool)
    before = ordered(buyer, pool, rating, NOW - timedelta(days=10))
    after = ordered(buyer, pool, rating, NOW)
    revoke_rating(
        rating=rating,
        revoked_from=NOW - timedelta(days=5),
        reason="meter bypassed",
        actor=officer,
        at=NOW,
    )
    rerate_what_rested_on_it(AuditEvent.objects.get(kind="rating.revoked"))
    (told,) = AuditEvent.objects.filter(kind="order.rerated")
    assert told.subject_id == str(after.pk) != str(before.pk)
    assert (told.data["tier_seen"], told.data["tier_now"]) == (3, None)
    after.refresh_from_db()
    assert after.placement.rating == rating  # it keeps the rating it saw
