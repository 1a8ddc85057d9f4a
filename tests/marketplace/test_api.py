"""The storefront refuses by name, in both languages, with the status that says whose fault."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from identity.models import Membership
from marketplace.models import Order, Payment
from scheduling.models import Workload
from tests.factories import NOW, make_key
from tests.marketplace.http.conftest import Caller, make_caller
from tests.marketplace.orders import Buyer, accept, charged, make_buyer, offer
from tests.scheduling.builders import START, make_pool

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _now(monkeypatch) -> None:
    monkeypatch.setattr(timezone, "now", lambda: NOW)


@pytest.fixture
def buyer(db: None) -> Buyer:
    return make_buyer()


@pytest.fixture
def enterprise(buyer) -> Caller:
    membership = Membership.objects.get(user=buyer.actor.person_id)
    return Caller(Client(), membership, make_key(membership))


def wanted(**changes: object) -> dict[str, object]:
    return {
        "reference": "w-1",
        "kinds": [],
        "units": 2,
        "duration_hours": 3,
        "earliest_at": START.isoformat(),
        "deadline_at": START.replace(day=4).isoformat(),
        "max_price_fen_per_unit_hour": 1000,
        **changes,
    }


def test_a_workload_is_submitted_with_what_its_voucher_promises(buyer, enterprise):
    answer = enterprise.post("workloads", wanted(voucher_id=buyer.voucher.pk))
    assert answer.status_code == 201, answer.json()
    assert answer.json()["voucher_terms"]["rate"] == "0.2"
    assert answer.json()["state"] == "submitted"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("regions", ["33000"]),
        ("regions", ["990000"]),
        ("units", 0),
        ("units", "two"),
        ("units", 2.5),
        ("duration_hours", -1),
        ("max_price_fen_per_unit_hour", "12.5"),
        ("min_green_tier", 9),
        ("earliest_at", "tomorrow"),
        ("kinds", ["a-card-nobody-makes"]),
        ("deadline_at", START.isoformat()),
        ("deadline_at", NOW.replace(year=2020).isoformat()),
    ],
)
@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_a_wrong_field_is_named_with_its_reason(enterprise, field, value, language):
    answer = enterprise.post("workloads", wanted(**{field: value}), Accept_Language=language)
    body = answer.json()
    assert (answer.status_code, body["code"]) == (422, "invalid"), body
    assert field in str(body["errors"]), body
    said = str([body["detail"], [each["detail"] for each in body["errors"]]])
    assert any("\u4e00" <= letter <= "\u9fff" for letter in said) == (language == "zh-hans"), said
    assert Workload.objects.count() == 0


def test_a_reference_is_used_once(enterprise):
    assert enterprise.post("workloads", wanted()).status_code == 201
    answer = enterprise.post("workloads", wanted(units=3))
    assert (answer.status_code, "reference" in str(answer.json()["errors"])) == (422, True)


def test_somebody_elses_voucher_is_not_there(enterprise):
    answer = enterprise.post("workloads", wanted(voucher_id=make_buyer().voucher.pk))
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert Workload.objects.count() == 0


def test_a_placement_is_ordered_and_repeated_with_its_key(buyer, enterprise):
    placement = offer(buyer)
    answers = [
        enterprise.post("orders", {"placement": placement.pk}, Idempotency_Key="k") for _ in "ab"
    ]
    assert [each.status_code for each in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    assert answers[0].json()["own_fen"] == 2400
    assert Order.objects.count() == 1


@pytest.mark.parametrize(("language", "said"), [("en", "accepted"), ("zh-hans", "当前状态")])
def test_an_accepted_placement_is_stale_and_says_so(buyer, enterprise, language, said):
    placement = offer(buyer)
    accept(buyer, placement)
    answer = enterprise.post("orders", {"placement": placement.pk}, Accept_Language=language)
    body = answer.json()
    assert (answer.status_code, body["code"]) == (409, "stale_state")
    assert (body["facts"]["current"], said in body["detail"]) == ("accepted", True)


def test_capacity_that_is_gone_is_a_refusal(buyer, enterprise):
    pool = make_pool(units=2)
    first, late = offer(buyer, pool), offer(buyer, pool)
    accept(buyer, first)
    answer = enterprise.post("orders", {"placement": late.pk})
    assert (answer.status_code, answer.json()["code"]) == (409, "capacity_gone"), answer.json()


def test_a_strangers_placement_order_charge_and_payment_are_not_there(buyer):
    placement, charge = offer(buyer), charged(buyer)
    rival = make_caller("enterprise", "enterprise_applicant")
    for path in (
        f"orders/{charge.order_id}",
        f"charges/{charge.pk}",
        f"payments/{charge.payment.pk}",
        f"workloads/{placement.workload_id}",
    ):
        assert rival.get(path).status_code == 404, path
    for path, body in (
        ("orders", {"placement": placement.pk}),
        (f"payments/{charge.payment.pk}/pay", {"payment_method": "pm_card_visa"}),
        (f"workloads/{placement.workload_id}/cancel", {}),
    ):
        assert rival.post(path, body).status_code == 404, path
    for path in ("orders", "charges", "payments", "workloads"):
        assert rival.get(path).json()["results"] == [], path


def test_an_unknown_placement_is_not_there(enterprise):
    assert enterprise.post("orders", {"placement": 10**9}).status_code == 404
    assert enterprise.post("orders", {"placement": "first"}).status_code == 422


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_an_auditor_and_an_officer_buy_nothing(buyer, language):
    placement = offer(buyer)
    for role in ("auditor", "budget_officer"):
        caller = make_caller("government", role)
        for path, body in (("workloads", wanted()), ("orders", {"placement": placement.pk})):
            answer = caller.post(path, body, Accept_Language=language)
            assert (answer.status_code, answer.json()["code"]) == (403, "not_permitted"), path
    assert Order.objects.count() == 0


def test_an_enterprise_clears_nothing(enterprise):
    assert enterprise.post("clearing-runs", {"upto": NOW.isoformat()}).status_code == 403


def test_a_gateway_that_does_not_answer_is_said_so_and_the_payment_can_be_tried_again(
    buyer, enterprise, settings
):
    settings.STRIPE_API_BASE, settings.STRIPE_API_KEY = "http://127.0.0.1:9", "sk_test_x"
    payment = charged(buyer).payment
    answer = enterprise.post(f"payments/{payment.pk}/pay", {"payment_method": "pm_card_visa"})
    assert (answer.status_code, answer.json()["code"]) == (503, "gateway_down")
    payment.refresh_from_db()
    assert payment.state == "requested"


@pytest.mark.parametrize("path", ["workloads", "orders", "charges", "payments"])
def test_a_list_costs_the_same_queries_for_one_row_and_for_three(buyer, enterprise, path):
    def queries() -> int:
        with CaptureQueriesContext(connection) as seen:
            assert enterprise.get(path).status_code == 200
        return len(seen)

    charged(buyer)
    queries()
    one = queries()
    for _ in range(2):
        charged(buyer)
    assert queries() == one


def test_a_provider_refunds_a_charge_it_received_and_nobody_elses(buyer):
    charge = charged(buyer)
    Payment.objects.filter(charge=charge).update(
        state="succeeded", succeeded_at=NOW, intent_id="pi_1"
    )
    body = {"amount_fen": 1000, "reference": "case-1", "reason": "the pool was down"}
    seller = make_caller("provider", "provider_admin", organization=charge.order.provider)
    stranger = make_caller("provider", "provider_admin")
    path = f"charges/{charge.pk}/refund"
    assert stranger.post(path, body).status_code == 404
    answer = seller.post(path, body)
    assert answer.status_code == 201
    assert (answer.json()["voucher_fen"], answer.json()["own_fen"]) == (200, 800)
    beyond = seller.post(path, body | {"reference": "case-2", "amount_fen": 2001})
    assert (beyond.status_code, beyond.json()["code"]) == (422, "refund_beyond_charge")
    assert len(seller.get("refunds").json()["results"]) == 1
    assert stranger.get("refunds").json()["results"] == []
