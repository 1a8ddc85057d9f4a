"""The contract of stripe_gateway, on our sandbox and on the server STRIPE_CONTRACT_API_BASE names.

STRIPE_CONTRACT_SERVER says what that is: `stripe-mock` (the default: shapes only, no state),
`localstripe` (state, but confirm takes no parameter and nothing tells `amount_received`) or
`stripe` (its test mode, with a key in STRIPE_CONTRACT_KEY). A test that needs more than such a
server has is skipped there, and says so.
"""

import os
import uuid

import pytest

from marketplace import stripe_gateway
from marketplace.stripe_gateway import (
    GatewayConfig,
    GatewayRefused,
    GatewayUnavailable,
    PaymentDeclined,
)

ELSEWHERE = os.environ.get("STRIPE_CONTRACT_API_BASE", "")
KIND = os.environ.get("STRIPE_CONTRACT_SERVER", "stripe-mock")
HAS = {
    "stripe-mock": set(),
    "localstripe": {"state", "checks"},
    "stripe": {"state", "checks", "the largest amount", "all of it"},
}


@pytest.fixture(params=["sandbox", "elsewhere"])
def server(request):
    return request.param


@pytest.fixture
def config(server, request) -> GatewayConfig:
    if server == "sandbox":
        return request.getfixturevalue("gateway").config()
    if not ELSEWHERE:
        pytest.skip("STRIPE_CONTRACT_API_BASE names no stripe-mock or localstripe to compare with")
    return GatewayConfig(
        secret_key=os.environ.get("STRIPE_CONTRACT_KEY", "sk_test_contract"), api_base=ELSEWHERE
    )


def needs(server, feature="all of it"):
    if server == "elsewhere" and feature not in HAS[KIND]:
        pytest.skip(f"{KIND} does not do this part: {feature}")


def key():
    return str(uuid.uuid4())


def paid(config, amount_fen=10_000, **changes):
    fields = {"payment_method": "pm_card_visa", "confirm": True} | changes
    return stripe_gateway.create_payment_intent(
        config, amount_fen=amount_fen, idempotency_key=key(), **fields
    )


def test_a_payment_intent_is_created_in_fen_of_cny(config, server):
    intent = stripe_gateway.create_payment_intent(
        config, amount_fen=123_456, idempotency_key=key(), metadata={"order": "o-1"}
    )
    assert intent.id.startswith("pi_")
    assert intent.currency
    assert intent.status == "requires_payment_method"
    needs(server, "state")
    assert (intent.amount_fen, intent.currency) == (123_456, "cny")
    assert intent.metadata == {"order": "o-1"}
    assert stripe_gateway.retrieve_payment_intent(config, intent.id) == intent


def test_a_good_card_is_charged_at_once(config, server):
    needs(server)
    intent = paid(config)
    assert (intent.status, intent.amount_received_fen) == ("succeeded", 10_000)
    assert intent.latest_charge_id.startswith("ch_")


def test_a_card_is_charged_on_confirmation(config, server):
    needs(server)
    intent = stripe_gateway.create_payment_intent(config, amount_fen=500, idempotency_key=key())
    intent = stripe_gateway.confirm_payment_intent(
        config, intent.id, idempotency_key=key(), payment_method="pm_card_visa"
    )
    assert intent.status == "succeeded"


@pytest.mark.parametrize(
    ("card", "code", "decline_code"),
    [
        ("pm_card_chargeDeclined", "card_declined", "generic_decline"),
        ("pm_card_visa_chargeDeclined", "card_declined", "generic_decline"),
        ("pm_card_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", "expired_card"),
    ],
)
def test_a_declined_card_is_told_and_leaves_the_intent_open(
    config, server, card, code, decline_code
):
    needs(server)
    with pytest.raises(PaymentDeclined) as caught:
        paid(config, payment_method=card)
    assert (caught.value.code, caught.value.decline_code) == (code, decline_code)
    assert not caught.value.retryable
    intent = stripe_gateway.retrieve_payment_intent(config, caught.value.payment_intent_id)
    assert (intent.status, intent.last_error_code) == ("requires_payment_method", code)
    assert intent.amount_received_fen == 0
    again = stripe_gateway.confirm_payment_intent(
        config, intent.id, idempotency_key=key(), payment_method="pm_card_visa"
    )
    assert again.status == "succeeded"


def test_money_captured_later_may_be_less_than_authorized(config, server):
    needs(server)
    intent = paid(config, capture_method="manual")
    assert (intent.status, intent.amount_capturable_fen) == ("requires_capture", 10_000)
    with pytest.raises(GatewayRefused):
        stripe_gateway.capture_payment_intent(
            config, intent.id, idempotency_key=key(), amount_fen=10_001
        )
    intent = stripe_gateway.capture_payment_intent(
        config, intent.id, idempotency_key=key(), amount_fen=6_000
    )
    assert (intent.status, intent.amount_received_fen) == ("succeeded", 6_000)
    refund = stripe_gateway.refund_payment_intent(config, intent.id, idempotency_key=key())
    assert refund.amount_fen == 6_000


def test_a_paid_intent_cannot_be_canceled_and_a_canceled_one_cannot_be_paid(config, server):
    needs(server)
    with pytest.raises(GatewayRefused) as caught:
        stripe_gateway.cancel_payment_intent(config, paid(config).id, idempotency_key=key())
    assert caught.value.code == "payment_intent_unexpected_state"
    open_one = stripe_gateway.create_payment_intent(config, amount_fen=500, idempotency_key=key())
    canceled = stripe_gateway.cancel_payment_intent(config, open_one.id, idempotency_key=key())
    assert canceled.status == "canceled"
    with pytest.raises(GatewayRefused) as caught:
        stripe_gateway.confirm_payment_intent(
            config, open_one.id, idempotency_key=key(), payment_method="pm_card_visa"
        )
    assert caught.value.code == "payment_intent_unexpected_state"


def test_refunds_in_parts_end_exactly_at_what_was_paid(config, server):
    needs(server)
    intent = paid(config)
    for amount in (3_000, 6_999):
        refund = stripe_gateway.refund_payment_intent(
            config, intent.id, idempotency_key=key(), amount_fen=amount
        )
        assert (refund.amount_fen, refund.status) == (amount, "succeeded")
        assert refund.payment_intent_id == intent.id
    with pytest.raises(GatewayRefused) as caught:
        stripe_gateway.refund_payment_intent(config, intent.id, idempotency_key=key(), amount_fen=2)
    assert (caught.value.http_status, caught.value.param) == (400, "amount")
    stripe_gateway.refund_payment_intent(config, intent.id, idempotency_key=key(), amount_fen=1)
    with pytest.raises(GatewayRefused) as caught:
        stripe_gateway.refund_payment_intent(config, intent.id, idempotency_key=key())
    assert caught.value.code == "charge_already_refunded"


def test_an_unpaid_intent_cannot_be_refunded(config, server):
    needs(server, "state")
    intent = stripe_gateway.create_payment_intent(config, amount_fen=500, idempotency_key=key())
    with pytest.raises(GatewayRefused):
        stripe_gateway.refund_payment_intent(config, intent.id, idempotency_key=key())


@pytest.mark.parametrize("currency", ["xyz", "usd", ""])
def test_another_currency_than_cny_is_refused(config, server, currency):
    needs(server, "CNY only")
    with pytest.raises(GatewayRefused) as caught:
        stripe_gateway.create_payment_intent(
            config, amount_fen=500, idempotency_key=key(), currency=currency
        )
    assert caught.value.param == "currency"


@pytest.mark.parametrize("amount_fen", [0, -1, 100_000_000])
def test_an_amount_out_of_range_is_refused(config, server, amount_fen):
    needs(server, "checks" if amount_fen < 1 else "the largest amount")
    with pytest.raises(GatewayRefused) as caught:
        stripe_gateway.create_payment_intent(config, amount_fen=amount_fen, idempotency_key=key())
    assert caught.value.param == "amount" or server == "elsewhere"


def test_the_same_key_and_body_create_one_payment(config, server):
    needs(server)
    same = key()
    made = [
        stripe_gateway.create_payment_intent(config, amount_fen=500, idempotency_key=same)
        for _ in range(3)
    ]
    assert len({intent.id for intent in made}) == 1


def test_the_same_key_with_another_amount_is_refused(config, server):
    needs(server)
    same = key()
    stripe_gateway.create_payment_intent(config, amount_fen=500, idempotency_key=same)
    with pytest.raises(GatewayRefused) as caught:
        stripe_gateway.create_payment_intent(config, amount_fen=501, idempotency_key=same)
    assert caught.value.code == "idempotency_error"
    assert not caught.value.retryable


def test_a_declined_answer_is_replayed_too(config, server):
    needs(server)
    same = key()
    intents = set()
    for _ in range(2):
        with pytest.raises(PaymentDeclined) as caught:
            stripe_gateway.create_payment_intent(
                config,
                amount_fen=500,
                idempotency_key=same,
                payment_method="pm_card_chargeDeclined",
                confirm=True,
            )
        intents.add(caught.value.payment_intent_id)
    assert len(intents) == 1


def test_an_unknown_payment_is_refused_as_missing(config, server):
    needs(server)
    with pytest.raises(GatewayRefused) as caught:
        stripe_gateway.retrieve_payment_intent(config, "pi_nobody_knows")
    assert (caught.value.code, caught.value.http_status) == ("resource_missing", 404)


def test_a_gateway_that_cannot_be_reached_is_worth_a_retry():
    nowhere = GatewayConfig(
        secret_key="sk_test_x", api_base="http://127.0.0.1:9", max_network_retries=0
    )
    with pytest.raises(GatewayUnavailable) as caught:
        stripe_gateway.retrieve_payment_intent(nowhere, "pi_1")
    assert caught.value.retryable
    assert caught.value.code == "connection"
