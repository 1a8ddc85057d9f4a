"""Accepting takes the voucher's hold and the capacity together, or neither."""

import pytest

from audit.decisions import NotPermitted, StaleState
from audit.models import AuditEvent
from ledger.models import Hold
from marketplace.actions.accept_placement import accept_placement
from marketplace.models import Order
from marketplace.refusals import VoucherPartChanged
from scheduling.models import Allocation, Placement, PoolHour
from scheduling.refusals import CapacityGone
from tests.factories import NOW, make_actor, make_organization
from tests.marketplace.orders import Buyer, accept, make_buyer, offer
from tests.scheduling.builders import make_pool
from tests.vouchers.office import balances
from tests.vouchers.rules.sheets import WAN
from tests.vouchers.test_races import at_once, violations
from vouchers.models import Redemption

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


def rows() -> dict[str, int]:
    """Everything accepting could leave behind."""
    models = (Order, Allocation, PoolHour, Hold, Redemption, AuditEvent)
    return {model.__name__: model.objects.count() for model in models}


@pytest.fixture
def buyer() -> Buyer:
    return make_buyer(face_fen=1 * WAN)


def test_an_accepted_placement_has_its_hold_and_its_capacity(buyer):
    order = accept(buyer, offer(buyer))
    assert (order.price_fen, order.voucher_fen) == (3000, 600)
    assert balances(buyer.voucher) == (1 * WAN - 600, 600)
    assert list(PoolHour.objects.values_list("taken", flat=True)) == [2, 2, 2]
    assert order.redemption is not None
    assert order.redemption.hold.amount_fen == 600


def test_no_capacity_means_no_hold(buyer):
    pool = make_pool(units=3)
    first, late = offer(buyer, pool), offer(buyer, pool)
    accept(buyer, first)
    before = rows()
    with pytest.raises(CapacityGone):
        accept(buyer, late)
    assert rows() == before
    assert balances(buyer.voucher) == (1 * WAN - 600, 600)
    assert Placement.objects.get(pk=late.pk).state == "proposed"


def test_no_money_means_no_capacity():
    buyer = make_buyer(face_fen=1000)
    accept(buyer, offer(buyer, voucher_fen=600))
    late = offer(buyer, voucher_fen=600)
    before = rows()
    with pytest.raises(VoucherPartChanged):
        accept(buyer, late)
    assert rows() == before
    assert balances(buyer.voucher) == (400, 600)
    assert Placement.objects.get(pk=late.pk).state == "proposed"


def test_a_placement_is_ordered_once(buyer):
    placement = offer(buyer)
    accept(buyer, placement)
    with pytest.raises(StaleState, match="accepted"):
        accept(buyer, Placement.objects.get(pk=placement.pk))
    assert Order.objects.count() == 1


def test_one_placement_accepted_by_eight_at_once_is_one_order(buyer):
    pk = offer(buyer).pk
    outcomes = at_once(*[lambda: accept(buyer, Placement.objects.get(pk=pk))] * 8)
    assert sum(isinstance(each, Order) for each in outcomes) == 1, outcomes
    assert sum(isinstance(each, StaleState) for each in outcomes) == 7, outcomes
    assert balances(buyer.voucher) == (1 * WAN - 600, 600)


def test_a_workload_without_a_voucher_pays_all_itself(buyer):
    order = accept(buyer, offer(buyer, voucher_fen=0))
    assert (order.voucher, order.redemption, order.voucher_fen) == (None, None, 0)
    assert Hold.objects.count() == 0


@pytest.mark.parametrize(
    ("units_of_pool", "face_fen", "accepted"),
    [(1000, 5 * 600, 5), (2 * 7, 1 * WAN, 7), (2 * 5, 5 * 600, 5)],
    ids=["the voucher is short", "the pool is short", "both are short"],
)
def test_16_at_once_never_oversell_nor_overspend(units_of_pool, face_fen, accepted):
    buyer, pool = make_buyer(face_fen=face_fen), make_pool(units=units_of_pool)
    keys = [offer(buyer, pool).pk for _ in range(16)]
    outcomes = at_once(*(lambda pk=pk: accept(buyer, Placement.objects.get(pk=pk)) for pk in keys))
    orders = [each for each in outcomes if isinstance(each, Order)]
    assert len(orders) == accepted, outcomes
    assert all(isinstance(each, Order) or hasattr(each, "code") for each in outcomes), outcomes
    assert balances(buyer.voucher) == (face_fen - 600 * accepted, 600 * accepted)
    assert set(PoolHour.objects.values_list("taken", flat=True)) == {2 * accepted}
    assert Allocation.objects.count() == Redemption.objects.count() == Order.objects.count()
    assert violations() == []


def test_nobody_accepts_without_the_role(buyer):
    placement = offer(buyer)
    viewer = make_actor(make_organization("government"), "auditor")
    with pytest.raises(NotPermitted):
        accept_placement(placement=placement, actor=viewer, at=NOW)
    assert Order.objects.count() == 0
