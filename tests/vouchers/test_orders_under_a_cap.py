"""A cap on what is redeemed holds over all of an enterprise's orders, at the same instant too."""

import threading

import pytest
from django.db import connection

from tests.factories import NOW, make_organization
from tests.vouchers.office import FIFTH, make_office, make_programme, make_voucher, reserve
from vouchers.actions.redeem_vouchers import redeem_voucher
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


def redeem(voucher, holder, provider, order, amount_fen):
    return redeem_voucher(
        voucher=voucher,
        order_reference=order,
        order_amount_fen=amount_fen * 5,
        amount_fen=amount_fen,
        provider=provider,
        actor=holder,
        at=NOW,
    )


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
