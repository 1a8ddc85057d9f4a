"""A revocation reaches the orders after its date, and none before."""

from datetime import timedelta

import pytest
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from audit.models import AuditEvent
from identity.roles import Role
from marketplace.models import Order
from marketplace.reactions import rerate_what_rested_on_it
from marketplace.tasks import sweep_outbox
from providers.actions.approve_rating import approve_rating
from providers.actions.revoke_rating import revoke_rating
from providers.actions.verify_rating import verify_rating
from providers.models import GreenRating
from providers.queries import market_pools
from tests.factories import NOW, make_actor, make_organization
from tests.marketplace.orders import accept, make_buyer, offer
from tests.providers.supply import approve_row, make_offer, meter_a_year, rated, verifier
from tests.scheduling.builders import make_pool

pytestmark = pytest.mark.django_db


def approved(pool, *, tier=3):
    row = GreenRating.objects.create(
        facility=pool.facility,
        method_version="t",
        factors_version="t",
        period=DateTimeTZRange(NOW - timedelta(days=400), NOW - timedelta(days=35)),
        green_tier=tier,
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


def rerated():
    return list(AuditEvent.objects.filter(kind="order.rerated").order_by("pk"))


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


def test_an_order_placed_after_the_revocation_was_handled_is_rated_again_too_and_once():
    pool, buyer = make_pool(units=64), make_buyer()
    rating, officer = approved(pool)
    placement = offer(buyer, pool=pool)
    placement.rating = rating
    placement.save(update_fields=["rating"])
    revoke_rating(rating=rating, revoked_from=NOW, reason="bypassed", actor=officer, at=NOW)
    sweep_outbox()
    assert rerated() == []
    order = accept(buyer, placement)
    sweep_outbox()
    (told,) = rerated()
    assert told.subject_id == str(order.pk)
    rerate_what_rested_on_it(AuditEvent.objects.get(kind="rating.revoked"))
    assert len(rerated()) == 1


@pytest.mark.slow
def test_the_whole_road_from_meters_to_an_order_that_lost_its_rating():
    """Metered, drafted, submitted, checked, verified, approved; ordered before and after the date;
    revoked; the outbox rates the later orders again and nothing else moves."""
    pool, buyer = make_pool(units=64), make_buyer()
    make_offer(pool)
    meter_a_year(pool.facility)
    rating = rated(pool.facility)
    verify_rating(rating=rating, statement="meter room seen", actor=verifier(), at=NOW)
    approve_rating(rating=rating, actor=verifier(), at=NOW)
    (seen,) = market_pools(at=NOW, starts_at=NOW, hours=4)
    assert (seen.rating_id, seen.green_tier) == (rating.pk, rating.green_tier)
    days = [NOW + timedelta(days=1), NOW + timedelta(days=5), NOW + timedelta(days=6)]
    orders = [ordered(buyer, pool, rating, at) for at in days]
    vouchers = [order.voucher_fen for order in orders]
    since, at = NOW + timedelta(days=5), NOW + timedelta(days=8)
    revoke_rating(rating=rating, revoked_from=since, reason="bypassed", actor=verifier(), at=at)
    sweep_outbox()
    assert [event.subject_id for event in rerated()] == [str(order.pk) for order in orders[1:]]
    assert {(event.data["tier_seen"], event.data["tier_now"]) for event in rerated()} == {
        (rating.green_tier, None)
    }
    for order, voucher_fen in zip(orders, vouchers, strict=True):
        order.refresh_from_db()
        assert (order.placement.rating_id, order.voucher_fen) == (rating.pk, voucher_fen)
    (before,) = market_pools(at=days[0], starts_at=days[0], hours=4)
    (after,) = market_pools(at=at, starts_at=at, hours=4)
    assert (before.rating_id, after.rating_id, after.green_tier) == (rating.pk, None, None)


def test_an_order_after_the_date_gets_the_rating_that_holds_then():
    pool, buyer = make_pool(units=64), make_buyer()
    rating, officer = approved(pool)
    order = ordered(buyer, pool, rating, NOW)
    other, _ = approved(pool, tier=1)
    revoke_rating(rating=rating, revoked_from=NOW, reason="bypassed", actor=officer, at=NOW)
    sweep_outbox()
    (told,) = rerated()
    assert (told.subject_id, told.data["rating_now"], told.data["tier_now"]) == (
        str(order.pk),
        other.pk,
        1,
    )
