"""Usage becomes one charge, split as the quote was; a failed job gives everything back."""

import pytest
from django.db import DatabaseError, transaction
from django.utils import timezone

from audit import outbox
from audit.decisions import SYSTEM, StaleState
from audit.models import Delivery
from marketplace.actions.cancel_order import cancel_order
from marketplace.models import Charge, Order, Payment
from marketplace.reactions import HANDLERS, NAMES
from scheduling.models import Job, PoolHour, Workload
from tests.factories import NOW
from tests.marketplace.orders import (
    Buyer,
    accept,
    charge,
    charged,
    complete,
    make_buyer,
    meter,
    place,
)
from tests.scheduling.builders import make_placement, make_pool
from tests.scheduling.test_receive_callback import receive, state, usage
from tests.vouchers.office import balances
from tests.vouchers.rules.sheets import WAN
from tests.vouchers.test_races import at_once, violations

pytestmark = pytest.mark.django_db
FACE = 1 * WAN


@pytest.fixture(autouse=True)
def _now(monkeypatch) -> None:
    """Reactions read the clock; the voucher of the tests is valid then."""
    monkeypatch.setattr(timezone, "now", lambda: NOW)


@pytest.fixture
def buyer(db: None) -> Buyer:
    return make_buyer(face_fen=FACE)


def react(*, but: str = "hand_over_job") -> int:
    """Run every due reaction, and what follows from it, except the hand-over."""
    ran = 0
    while due := outbox.sweep(NAMES, at=NOW):
        ran += sum(outbox.run(pk, HANDLERS, at=NOW) for pk, name in due if name != but)
    assert not Delivery.objects.exclude(last_error="").exists()
    return ran


@pytest.mark.parametrize(
    ("hours", "total_fen", "voucher_fen"),
    [
        ("6", 3000, 600),  # all that was ordered
        ("3", 1500, 300),  # half of it
        ("6.005", 3000, 600),  # metering says a little more: never above the order
        ("0.007", 4, 0),  # 3.5 fen round up to 4; a fifth of 4 rounds down to nothing
        ("0.018", 9, 1),  # a fifth of 9 is 1.8
        ("0", 0, 0),
    ],
)
def test_a_charge_splits_as_its_quote_and_the_rest_goes_back(buyer, hours, total_fen, voucher_fen):
    order = place(buyer)
    complete(order, hours=hours)
    made = charge(order)
    assert (made.total_fen, made.voucher_fen) == (total_fen, voucher_fen)
    assert made.own_fen == total_fen - voucher_fen
    assert balances(buyer.voucher) == (FACE - voucher_fen, 0)
    assert list(Payment.objects.values_list("amount_fen", flat=True)) == (
        [made.own_fen] if made.own_fen else []
    )
    assert violations() == []


def test_charging_again_is_the_same_charge(buyer):
    order = place(buyer)
    complete(order, hours="6")
    assert charge(order) == charge(order)
    assert Charge.objects.count() == Payment.objects.count() == 1
    assert balances(buyer.voucher) == (FACE - 600, 0)


def test_quarantined_usage_costs_nothing(buyer):
    order = place(buyer)
    meter(Job.objects.get(), "2", "0.6", state="quarantined")
    complete(order, hours="3")
    assert charge(order).accelerator_hours == 3


def test_energy_is_unknown_when_an_interval_lacks_it(buyer):
    order = place(buyer)
    meter(Job.objects.get(), "2", None)
    complete(order, hours="3", energy_kwh="1.1")
    made = charge(order)
    assert (made.energy_kwh, made.carbon_kg) == (None, None)


def test_a_job_still_running_is_not_charged(buyer):
    with pytest.raises(StaleState, match="CREATED"):
        charge(place(buyer))
    assert Charge.objects.count() == 0


def test_a_cancelled_order_is_not_charged_for_a_job_that_completed_late(buyer):
    order = place(buyer)
    cancel_order(order=order, actor=SYSTEM, at=NOW, reason="hold expired")
    Job.objects.update(state="COMPLETE")
    with pytest.raises(StaleState, match="cancelled"):
        charge(order)
    assert balances(buyer.voucher) == (FACE, 0)


def test_a_charge_is_never_edited_from_a_shell(buyer):
    made = charged(buyer)
    for edit in (lambda: Charge.objects.update(total_fen=1), made.delete):
        with pytest.raises(DatabaseError), transaction.atomic():
            edit()


@pytest.mark.django_db(transaction=True)  # the outbox reads what was committed
def test_repeated_callbacks_and_reactions_charge_once(buyer):
    order = place(buyer)
    job = Job.objects.get()
    events = [state(job, 1, "RUNNING"), usage(job, 2), state(job, 3, "COMPLETE")]
    for event in [*events, *events]:
        receive(job, event)
    react()
    for delivery in Delivery.objects.filter(reaction="charge_usage"):
        HANDLERS["charge_usage"](delivery.event)
    assert react() == 0
    assert Charge.objects.get().total_fen == 1000
    assert Order.objects.get(pk=order.pk).state == "charged"
    assert balances(buyer.voucher) == (FACE - 200, 0)


@pytest.mark.django_db(transaction=True)  # the outbox reads what was committed
@pytest.mark.parametrize(
    ("ended", "workload"),
    [("SYSTEM_ERROR", "submitted"), ("PREEMPTED", "submitted"), ("EXECUTOR_ERROR", "failed")],
)
def test_a_failed_job_ends_its_order_and_gives_hold_and_capacity_back(buyer, ended, workload):
    order = place(buyer)
    job = Job.objects.get()
    for event in [state(job, 1, "RUNNING"), usage(job, 2), state(job, 3, ended)] * 2:
        receive(job, event)
    react()
    assert Order.objects.get(pk=order.pk).state == "cancelled"
    assert balances(buyer.voucher) == (FACE, 0)
    assert set(PoolHour.objects.values_list("taken", flat=True)) == {0}
    assert Workload.objects.get().state == workload
    assert Charge.objects.count() == 0
    assert violations() == []


@pytest.mark.django_db(transaction=True)  # the outbox reads what was committed
def test_what_the_platform_lost_can_be_accepted_again(buyer):
    order = place(buyer)
    receive(Job.objects.get(), state(Job.objects.get(), 1, "SYSTEM_ERROR"))
    react()
    again = make_placement(make_pool(), Workload.objects.get(), voucher_fen=600)
    assert accept(buyer, again).pk != order.pk
    assert balances(buyer.voucher) == (FACE - 600, 600)


@pytest.mark.django_db(transaction=True)
def test_eight_charging_at_once_make_one_charge(buyer):
    order = place(buyer)
    complete(order, hours="6")
    outcomes = at_once(*[lambda: charge(order)] * 8)
    assert {each.pk for each in outcomes} == {Charge.objects.get().pk}, outcomes
    assert balances(buyer.voucher) == (FACE - 600, 0)
