"""Prices are dated, never edited and never two at once."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from audit.decisions import SYSTEM, Invalid, NotFound, StaleState
from providers.actions.list_offer import list_offer
from providers.actions.pause_offer import pause_offer
from providers.actions.set_price import set_price
from providers.actions.withdraw_offer import withdraw_offer
from providers.models import Offer, PriceVersion
from providers.queries import market_pools, price_at
from providers.refusals import NameTaken, OfferHasNoPrice, PriceInThePast, PricesOverlap
from tests.factories import NOW
from tests.providers.supply import (
    HOUR,
    make_facility,
    make_offer,
    make_pool,
    provider_admin,
)

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


def price(offer, fen, *, starts_at=NOW, ends_at=None, actor=SYSTEM, at=NOW):
    return set_price(
        offer=offer,
        price_fen_per_unit_hour=fen,
        starts_at=starts_at,
        ends_at=ends_at,
        actor=actor,
        at=at,
    )


def test_a_new_price_ends_the_running_one_and_changes_nothing_offered():
    offer = make_offer(price_fen=1200)
    price(offer, 900, starts_at=NOW + 5 * HOUR)
    assert price_at(offer, NOW + 4 * HOUR).price_fen_per_unit_hour == 1200
    assert price_at(offer, NOW + 5 * HOUR).price_fen_per_unit_hour == 900


def test_a_price_does_not_start_in_the_past():
    with pytest.raises(PriceInThePast):
        price(make_offer(), 1, starts_at=NOW - timedelta(seconds=1))


def test_a_price_between_two_prices_that_overlap_is_refused():
    offer = make_offer(listed=False)
    price(offer, 900, starts_at=NOW + 5 * HOUR)
    with pytest.raises(PricesOverlap):
        price(offer, 800, starts_at=NOW + 3 * HOUR)


def test_two_prices_at_once_are_refused_by_the_database():
    offer = make_offer()
    refused = pytest.raises(IntegrityError, match="an_offer_has_one_price_at_a_time")
    with refused, transaction.atomic():
        PriceVersion.objects.create(
            offer=offer,
            price_fen_per_unit_hour=1,
            valid=DateTimeTZRange(NOW + HOUR, NOW + 2 * HOUR),
            recorded_at=NOW,
        )


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE providers_priceversion SET price_fen_per_unit_hour = 1",
        "UPDATE providers_priceversion SET valid = tstzrange(lower(valid) - interval '1 h', NULL)",
        "UPDATE providers_priceversion SET recorded_at = recorded_at + interval '1 h'",
        "DELETE FROM providers_priceversion",
        "SET CONSTRAINTS ALL IMMEDIATE; TRUNCATE providers_priceversion",
    ],
)
def test_a_price_is_never_edited(statement):
    make_offer()
    refused = pytest.raises(DatabaseError, match=r"never edited|Cannot delete|never emptied")
    with refused, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def test_another_currency_is_refused_with_its_field():
    with pytest.raises(Invalid) as refusal:
        set_price(
            offer=make_offer(),
            price_fen_per_unit_hour=1,
            currency="USD",
            starts_at=NOW,
            actor=SYSTEM,
            at=NOW,
        )
    assert refusal.value.field == "currency"


def test_an_offer_without_a_price_is_not_listed():
    offer = make_offer(listed=False)
    PriceVersion.objects.filter(offer=offer).update(valid=DateTimeTZRange(NOW, NOW + HOUR))
    with pytest.raises(OfferHasNoPrice):
        list_offer(offer=offer, actor=SYSTEM, at=NOW + HOUR)


def test_a_withdrawn_offer_does_not_come_back():
    offer = withdraw_offer(offer=make_offer(), actor=SYSTEM, at=NOW)
    with pytest.raises(StaleState) as refusal:
        list_offer(offer=offer, actor=SYSTEM, at=NOW)
    assert refusal.value.facts["current"] == "withdrawn"


def test_the_database_keeps_offers_on_their_drawn_lines():
    offer = withdraw_offer(offer=make_offer(), actor=SYSTEM, at=NOW)
    with pytest.raises(DatabaseError), transaction.atomic():
        Offer.objects.filter(pk=offer.pk).update(state="listed")


def test_a_pool_is_offered_once_at_a_time():
    offer = make_offer()
    with pytest.raises(NameTaken):
        make_offer(offer.pool)
    withdraw_offer(offer=offer, actor=SYSTEM, at=NOW)
    assert make_offer(offer.pool).state == "listed"


def test_only_the_provider_prices_its_offer():
    with pytest.raises(NotFound):
        price(make_offer(), 1, actor=provider_admin(make_facility()))


def test_the_market_shows_prices_and_windows_by_the_hour():
    windows = [(NOW + HOUR, NOW + 3 * HOUR), (NOW + 4 * HOUR, None)]
    offer = make_offer(make_pool(windows=windows), price_fen=1200)
    price(offer, 900, starts_at=NOW + 2 * HOUR)
    (row,) = market_pools(at=NOW, starts_at=NOW, hours=6)
    assert row.price_fen_per_unit_hour == [1200, 1200, 900, 900, 900, 900]
    assert row.available == [(1, 3), (4, 6)]
    assert row.grid_kg_per_kwh is not None
    assert "150000" in row.grid_factor_basis


def test_a_pool_without_windows_and_with_one_price_is_always_available():
    make_offer(price_fen=1200)
    (row,) = market_pools(at=NOW, starts_at=NOW, hours=6)
    assert (row.price_fen_per_unit_hour, row.available) == (1200, None)


def test_hours_without_a_price_are_not_on_the_market():
    offer = make_offer(listed=False)
    list_offer(offer=offer, actor=SYSTEM, at=NOW)
    PriceVersion.objects.filter(offer=offer).update(valid=DateTimeTZRange(NOW, NOW + 2 * HOUR))
    (row,) = market_pools(at=NOW, starts_at=NOW, hours=6)
    assert row.available == [(0, 2)]
    assert market_pools(at=NOW, starts_at=NOW + 2 * HOUR, hours=6) == []


def test_a_paused_offer_is_not_on_the_market():
    pause_offer(offer=make_offer(), actor=SYSTEM, at=NOW)
    assert market_pools(at=NOW, starts_at=NOW, hours=6) == []


def test_the_market_is_read_in_five_queries(django_assert_num_queries):
    for _ in range(3):
        make_offer()
    with django_assert_num_queries(5):
        assert len(market_pools(at=NOW, starts_at=NOW, hours=24)) == 3
