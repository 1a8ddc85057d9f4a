"""Keys: replay, reuse, in flight, and what a failure in the middle leaves behind."""

import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from marketplace import stripe_gateway
from marketplace.stripe_gateway import GatewayRefused, GatewayUnavailable

INTENTS = "/v1/payment_intents"


def intents(gateway):
    return gateway.gateway_state()["objects"].get("payment_intent", 0)


def create_by_library(gateway, key):
    return stripe_gateway.create_payment_intent(
        gateway.config(), amount_fen=500, idempotency_key=key
    )


def test_a_replay_says_so_and_is_the_same_to_the_byte(gateway):
    key = str(uuid.uuid4())
    first = gateway.post(INTENTS, key, amount=500, currency="cny")
    second = gateway.post(INTENTS, key, amount=500, currency="cny")
    assert first.status_code == second.status_code == 200
    assert first.content == second.content
    assert "idempotent-replayed" not in first.headers
    assert second.headers["idempotent-replayed"] == "true"
    assert second.headers["original-request"] == first.headers["request-id"]


def test_a_key_used_for_another_payment_is_refused_although_the_body_is_the_same(gateway):
    first, second = (create_by_library(gateway, str(uuid.uuid4())).id for _ in range(2))
    key = str(uuid.uuid4())
    assert gateway.post(f"{INTENTS}/{first}/cancel", key).json()["status"] == "canceled"
    answer = gateway.post(f"{INTENTS}/{second}/cancel", key)
    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "idempotency_error"
    untouched = stripe_gateway.retrieve_payment_intent(gateway.config(), second)
    assert untouched.status == "requires_payment_method"


def test_while_a_key_is_in_flight_its_copy_gets_409(gateway):
    key = str(uuid.uuid4())
    before = intents(gateway)
    gateway.fault(kind="slow", seconds=1.0)
    with ThreadPoolExecutor(1) as thread:
        slow = thread.submit(create_by_library, gateway, key)
        time.sleep(0.4)
        with pytest.raises(GatewayUnavailable) as caught:
            create_by_library(gateway, key)
    assert caught.value.code == "idempotency_key_in_use"
    assert caught.value.__cause__.http_status == 409
    assert create_by_library(gateway, key) == slow.result()
    assert intents(gateway) == before + 1


def test_sixteen_copies_at_once_make_one_payment(gateway):
    key = str(uuid.uuid4())
    before = intents(gateway)
    with ThreadPoolExecutor(16) as threads:
        answers = list(
            threads.map(lambda _: gateway.post(INTENTS, key, amount=500, currency="cny"), range(16))
        )
    assert {answer.status_code for answer in answers} <= {200, 409}
    assert len({answer.json()["id"] for answer in answers if answer.status_code == 200}) == 1
    assert intents(gateway) == before + 1


def test_a_lost_answer_is_healed_by_the_same_key(gateway):
    key = str(uuid.uuid4())
    before = intents(gateway)
    gateway.fault(kind="lost_answer")
    with pytest.raises(GatewayUnavailable) as caught:
        stripe_gateway.create_payment_intent(gateway.config(), amount_fen=500, idempotency_key=key)
    assert caught.value.retryable
    stripe_gateway.create_payment_intent(gateway.config(), amount_fen=500, idempotency_key=key)
    assert intents(gateway) == before + 1


def test_the_library_heals_a_lost_answer_by_itself(gateway):
    before = intents(gateway)
    gateway.fault(kind="lost_answer")
    stripe_gateway.create_payment_intent(
        gateway.config(max_network_retries=2), amount_fen=500, idempotency_key=str(uuid.uuid4())
    )
    assert intents(gateway) == before + 1


@pytest.mark.parametrize(
    ("fault", "code"), [("unavailable", "server_error"), ("rate_limit", "rate_limit")]
)
def test_a_gateway_out_of_order_or_overrun_is_worth_a_retry(gateway, fault, code):
    gateway.fault(kind=fault)
    key = str(uuid.uuid4())
    with pytest.raises(GatewayUnavailable) as caught:
        stripe_gateway.create_payment_intent(gateway.config(), amount_fen=500, idempotency_key=key)
    assert caught.value.code == code
    assert stripe_gateway.create_payment_intent(
        gateway.config(), amount_fen=500, idempotency_key=key
    ).id


def test_an_answer_that_takes_too_long_is_worth_a_retry(gateway):
    gateway.fault(kind="slow", seconds=1.5)
    key = str(uuid.uuid4())
    with pytest.raises(GatewayUnavailable):
        stripe_gateway.create_payment_intent(
            gateway.config(timeout_seconds=0.3), amount_fen=500, idempotency_key=key
        )
    patient = gateway.config(max_network_retries=4)
    assert stripe_gateway.create_payment_intent(patient, amount_fen=500, idempotency_key=key).id


def test_a_malformed_call_leaves_its_key_free(gateway):
    key = str(uuid.uuid4())
    assert gateway.post(INTENTS, key, currency="cny").status_code == 400
    assert gateway.post(INTENTS, key, amount=500, currency="cny").status_code == 200


def test_copies_of_a_refund_under_many_keys_never_send_back_more_than_was_paid(gateway):
    intent = stripe_gateway.create_payment_intent(
        gateway.config(),
        amount_fen=1_000,
        idempotency_key=str(uuid.uuid4()),
        payment_method="pm_card_visa",
        confirm=True,
    )

    def refund(_):
        try:
            return stripe_gateway.refund_payment_intent(
                gateway.config(), intent.id, idempotency_key=str(uuid.uuid4()), amount_fen=300
            ).amount_fen
        except GatewayRefused:
            return 0

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(refund, range(8))) == 900
