"""The payment gateway's word: believed when signed, stored once, never against its order."""

import hashlib
import hmac
import json
import time

import pytest
from django.test import Client

from audit.models import AuditEvent
from marketplace.models import GatewayEvent, Payment
from tests.marketplace.orders import charged, make_buyer

pytestmark = pytest.mark.django_db
SECRET = "whsec_of_the_tests"
PATH = "/api/v1/webhooks/stripe"


@pytest.fixture
def payment(settings) -> Payment:
    settings.STRIPE_WEBHOOK_SECRET = SECRET
    payment = charged(make_buyer()).payment
    Payment.objects.filter(pk=payment.pk).update(intent_id="pi_1")
    payment.refresh_from_db()
    return payment


def tell(kind: str, *, event: str, amount_fen: int, secret: str = SECRET, **more: object):
    intent = {
        "id": "pi_1",
        "object": "payment_intent",
        "amount_received": amount_fen,
        "currency": "cny",
        "metadata": {},
        **more,
    }
    body = json.dumps(
        {
            "id": event,
            "object": "event",
            "type": f"payment_intent.{kind}",
            "created": int(time.time()),
            "livemode": False,
            "data": {"object": intent},
        }
    )
    at = int(time.time())
    signature = hmac.new(secret.encode(), f"{at}.{body}".encode(), hashlib.sha256).hexdigest()
    return Client().post(
        PATH,
        data=body,
        content_type="application/json",
        headers={"Stripe-Signature": f"t={at},v1={signature}"},
    )


def told(payment: Payment) -> tuple[str, int]:
    """State, and how often its success was recorded."""
    payment.refresh_from_db()
    return payment.state, AuditEvent.objects.filter(kind="payment.succeeded").count()


def test_a_success_is_stored_and_moves_the_payment(payment):
    assert tell("succeeded", event="evt_1", amount_fen=payment.amount_fen).status_code == 202
    assert told(payment) == ("succeeded", 1)
    assert payment.succeeded_at is not None


def test_the_same_event_again_changes_nothing(payment):
    codes = [
        tell("succeeded", event="evt_1", amount_fen=payment.amount_fen).status_code for _ in "abc"
    ]
    assert codes == [202, 200, 200]
    assert told(payment) == ("succeeded", 1)


def test_another_event_of_the_same_success_counts_once(payment):
    for event in ("evt_1", "evt_2"):
        tell("succeeded", event=event, amount_fen=payment.amount_fen)
    assert told(payment) == ("succeeded", 1)
    assert GatewayEvent.objects.count() == 2


def test_a_failure_that_arrives_after_the_success_is_old_news(payment):
    tell("succeeded", event="evt_2", amount_fen=payment.amount_fen)
    assert tell("payment_failed", event="evt_1", amount_fen=0).status_code == 202
    assert told(payment) == ("succeeded", 1)


def test_a_failure_and_then_a_success_succeeds(payment):
    tell("payment_failed", event="evt_1", amount_fen=0)
    assert told(payment)[0] == "failed"
    tell("succeeded", event="evt_2", amount_fen=payment.amount_fen)
    assert told(payment) == ("succeeded", 1)
    assert payment.failure == ""


@pytest.mark.parametrize("difference", [-1, 1])
def test_a_wrong_amount_is_no_payment(payment, difference):
    tell("succeeded", event="evt_1", amount_fen=payment.amount_fen + difference)
    assert told(payment) == ("failed", 0)
    assert str(payment.amount_fen + difference) in payment.failure


def test_the_right_number_in_another_currency_is_no_payment(payment):
    tell("succeeded", event="evt_1", amount_fen=payment.amount_fen, currency="jpy")
    assert told(payment) == ("failed", 0)
    assert "jpy" in payment.failure


def test_an_event_of_somebody_elses_intent_is_kept_and_changes_nothing(payment):
    answer = tell("succeeded", event="evt_1", amount_fen=payment.amount_fen, id="pi_other")
    assert answer.status_code == 202
    assert told(payment) == ("requested", 0)
    assert GatewayEvent.objects.count() == 1


def test_a_forged_event_is_not_believed_and_not_kept(payment):
    answer = tell(
        "succeeded", event="evt_1", amount_fen=payment.amount_fen, secret="whsec_of_a_thief"
    )
    assert (answer.status_code, answer.json()["code"]) == (400, "signature_refused")
    assert told(payment) == ("requested", 0)
    assert GatewayEvent.objects.count() == 0
