"""A cap on what is redeemed holds over all of an enterprise's orders, at the same instant too."""

import threading
from datetime import UTC, date, datetime

import pytest
from django.db import connection

from tests.factories import NOW, make_organization
from tests.vouchers.office import (
    FIFTH,
    make_office,
    make_programme,
    make_voucher,
    organization_of,
    reserve,
)
from vouchers.actions.redeem_vouchers import redeem_voucher
from vouchers.actions.return_redeemed import return_redeemed
from vouchers.queries import usage_of
from vouchers.refusals import PartTooLarge

pytestmark = pytest.mark.django_db
WAN = 10_000_00
# Two vouchers of 1 WAN may be granted, and 1 WAN of both be spent in a year.
SPENT = {
    **FIFTH,
    "caps": [
        {"id": "spent", "amount_fen": 1 * WAN, "per": "natural_year", "counts": ["redeemed"]},
    ],
}


@pytest.fixture
def two():
    office = make_office()
    programme = make_programme(office, SPENT)
    one, holder = make_voucher(office, programme=programme)
    other, _holder = make_voucher(office, programme=programme, applicant=holder)
    return (one, other), holder


def redeem(voucher, holder, provider, order, amount_fen, *, at=NOW):
    return redeem_voucher(
        voucher=voucher,
        order_reference=order,
        order_amount_fen=amount_fen * 5,
        amount_fen=amount_fen,
        provider=provider,
        actor=holder,
        at=at,
    )


def test_orders_count_by_voucher_and_civil_day_less_what_came_back(two):
    (one, other), holder = two
    provider = make_organization("provider")
    before = datetime(2026, 3, 5, 15, 59, 59, tzinfo=UTC)  # a second before midnight in Shanghai
    after = datetime(2026, 3, 5, 16, tzinfo=UTC)
    redeem(one, holder, provider, "a", 100_00, at=before)
    redeem(one, holder, provider, "b", 50_00, at=before)
    part = redeem(one, holder, provider, "c", 30_00, at=after)
    whole = redeem(other, holder, provider, "d", 70_00, at=after)
    redeem(other, holder, provider, "e", 7_00, at=after)
    for number, (redemption, fen) in enumerate([(part, 10_00), (whole, 70_00)]):
        return_redeemed(
            redemption=redemption, amount_fen=fen, reference=f"r{number}", actor=holder, at=after
        )
    reserve(other, holder, 900_00, at=after)  # a hold is still the voucher's

    entries = usage_of(one.programme, organization_of(holder))
    assert [
        (entry.on, entry.amount_fen, entry.voucher_ref)
        for entry in entries.entries
        if entry.stage == "redeemed"
    ] == [
        (date(2026, 3, 5), 150_00, one.serial),
        (date(2026, 3, 6), 20_00, one.serial),
        (date(2026, 3, 6), 7_00, other.serial),
    ]
    assert sum(entry.amount_fen for entry in entries.entries) == 2 * WAN


def test_what_a_hold_sets_aside_counts(two):
    (one, other), holder = two
    reserve(one, holder, 6 * WAN // 10)
    provider = make_organization("provider")
    with pytest.raises(PartTooLarge, match="4,000"):
        redeem(other, holder, provider, "o", 6 * WAN // 10)
    redeem(other, holder, provider, "o", 4 * WAN // 10)


@pytest.mark.django_db(transaction=True)
def test_two_orders_at_once_do_not_both_find_the_room_of_one(two):
    vouchers, holder = two
    provider = make_organization("provider")
    barrier = threading.Barrier(2)
    said = []

    def order(turn):
        try:
            barrier.wait()
            redeem(vouchers[turn], holder, provider, f"o{turn}", 6 * WAN // 10)
            said.append("redeemed")
        except PartTooLarge:
            said.append("too large")
        finally:
            connection.close()

    threads = [threading.Thread(target=order, args=[turn]) for turn in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(said) == ["redeemed", "too large"]
