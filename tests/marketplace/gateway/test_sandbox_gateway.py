"""What only our sandbox has: wallets, a payer who is asked, Connect, pages, a state that stays."""

import os
import subprocess
import sys
import time
import uuid

import httpx
import pytest
import stripe

from marketplace import stripe_gateway
from marketplace.stripe_gateway import GatewayRefused
from tests.marketplace.gateway.conftest import ROOT, SECRET, GatewayProcess

pytestmark = pytest.mark.slow


def key():
    return str(uuid.uuid4())


def create(gateway, amount_fen=900, **changes):
    return stripe_gateway.create_payment_intent(
        gateway.config(), amount_fen=amount_fen, idempotency_key=key(), **changes
    )


def pay(gateway, amount_fen=900):
    return create(gateway, amount_fen, payment_method="pm_card_visa", confirm=True)


def answer_as_payer(url, outcome):
    return httpx.post(url, data={"outcome": outcome}, trust_env=False)


@pytest.mark.parametrize("wallet", ["alipay", "wechat_pay"])
@pytest.mark.parametrize(
    ("outcome", "status"), [("succeed", "succeeded"), ("fail", "requires_payment_method")]
)
def test_a_wallet_asks_the_payer_and_follows_the_answer(gateway, wallet, outcome, status):
    intent = create(gateway, payment_method_types=("card", "alipay", "wechat_pay"))
    intent = stripe_gateway.confirm_payment_intent(
        gateway.config(),
        intent.id,
        idempotency_key=key(),
        wallet=wallet,
        return_url="https://example.org/back?order=1",
    )
    assert intent.status == "requires_action"
    assert "沙箱" in httpx.get(intent.next_action_url, trust_env=False).text
    answer = answer_as_payer(intent.next_action_url, outcome)
    if wallet == "alipay":
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("https://example.org/back?order=1&")
        assert f"redirect_status={outcome}" in answer.headers["location"]
    after = stripe_gateway.retrieve_payment_intent(gateway.config(), intent.id)
    assert after.status == status
    assert answer_as_payer(intent.next_action_url, "succeed").status_code == 409


def test_a_card_with_3d_secure_asks_the_payer(gateway):
    intent = create(gateway, payment_method="pm_card_threeDSecure2Required", confirm=True)
    assert (intent.status, intent.amount_received_fen) == ("requires_action", 0)
    answer_as_payer(intent.next_action_url, "succeed")
    after = stripe_gateway.retrieve_payment_intent(gateway.config(), intent.id)
    assert (after.status, after.amount_received_fen) == ("succeeded", 900)


def test_a_wallet_the_intent_does_not_allow_is_refused(gateway):
    intent = create(gateway)
    with pytest.raises(GatewayRefused):
        stripe_gateway.confirm_payment_intent(
            gateway.config(),
            intent.id,
            idempotency_key=key(),
            wallet="alipay",
            return_url="https://example.org",
        )


def test_money_goes_to_a_connected_account_and_back_and_out(gateway, receiver):
    client = gateway.client()
    pay(gateway, 10_000)
    start = client.v1.balance.retrieve().available[0].amount
    account = client.v1.accounts.create({"type": "custom", "country": "CN"})
    transfer = client.v1.transfers.create(
        {"amount": 6_000, "currency": "cny", "destination": account.id, "transfer_group": "o-1"}
    )
    client.v1.transfers.reversals.create(transfer.id, {"amount": 1_500})
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.transfers.reversals.create(transfer.id, {"amount": 4_501})
    assert caught.value.param == "amount"
    there = {"stripe_account": account.id}
    assert client.v1.balance.retrieve(options=there).available[0].amount == 4_500
    assert client.v1.balance.retrieve().available[0].amount == start - 4_500
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.payouts.create({"amount": 4_501, "currency": "cny"}, there)
    assert caught.value.code == "balance_insufficient"
    payout = client.v1.payouts.create({"amount": 4_500, "currency": "cny"}, there)
    assert payout.status == "pending"
    receiver.wait_for(lambda got: any(b'"payout.paid"' in message.body for message in got))
    assert client.v1.payouts.retrieve(payout.id, options=there).status == "paid"
    assert client.v1.balance.retrieve(options=there).available[0].amount == 0


def test_a_payout_that_fails_gives_its_money_back(gateway, receiver):
    client = gateway.client()
    pay(gateway, 5_000)
    before = client.v1.balance.retrieve().available[0].amount
    gateway.fault(kind="fail_payout")
    payout = client.v1.payouts.create({"amount": 5_000, "currency": "cny"})
    receiver.wait_for(lambda got: any(b'"payout.failed"' in message.body for message in got))
    assert client.v1.payouts.retrieve(payout.id).status == "failed"
    assert client.v1.balance.retrieve().available[0].amount == before


def test_a_transfer_beyond_the_balance_or_to_nobody_is_refused(gateway):
    client = gateway.client()
    account = client.v1.accounts.create({"type": "custom"})
    balance = client.v1.balance.retrieve().available[0].amount
    for amount, destination, code in (
        (balance + 1, account.id, "balance_insufficient"),
        (1, "acct_nobody", "resource_missing"),
    ):
        with pytest.raises(stripe.InvalidRequestError) as caught:
            client.v1.transfers.create(
                {"amount": amount, "currency": "cny", "destination": destination}
            )
        assert (caught.value.code, caught.value.http_status) == (code, 400)


def test_pages_walk_every_object_once_newest_first(gateway):
    client = gateway.client()
    made = [create(gateway).id for _ in range(5)]
    walked = [
        intent.id for intent in client.v1.payment_intents.list({"limit": 2}).auto_paging_iter()
    ]
    assert walked[:5] == made[::-1]
    assert len(walked) == len(set(walked))
    back = client.v1.payment_intents.list({"limit": 2, "ending_before": made[2]})
    assert [intent.id for intent in back.data] == [made[4], made[3]]
    assert not back.has_more


def test_an_id_is_expanded_on_request(gateway):
    client = gateway.client()
    paid = pay(gateway)
    intent = client.v1.payment_intents.retrieve(paid.id, {"expand": ["latest_charge"]})
    assert intent.latest_charge.amount_captured == 900
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.payment_intents.retrieve(paid.id, {"expand": ["customer"]})


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"amount": "500"}, "parameter_missing"),
        ({"amount": "5.5", "currency": "cny"}, "parameter_invalid_integer"),
        ({"amount": "５", "currency": "cny"}, "parameter_invalid_integer"),
        ({"amount": "500", "currency": "cny", "amuont": "1"}, "parameter_unknown"),
        ({"amount": "500", "currency": "cny", "metadata": "x"}, None),
        ({"amount": "500", "currency": "cny", "amount[x]": "1"}, None),
        ({"amount": "500", "currency": "cny", "a" + "[b]" * 500: "1"}, None),
    ],
)
def test_a_malformed_call_gets_stripes_error_body(gateway, fields, code):
    answer = gateway.post("/v1/payment_intents", key(), **fields)
    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "invalid_request_error"
    assert answer.json()["error"].get("code") == code
    assert answer.headers["request-id"].startswith("req_")


@pytest.mark.parametrize("header", [{}, {"Authorization": "Bearer sk_live_x"}])
def test_a_caller_without_a_test_key_is_refused(gateway, header):
    answer = httpx.get(gateway.url + "/v1/balance", headers=header, trust_env=False)
    assert answer.status_code == 401
    assert "sk_live_x" not in answer.text


def test_a_kill_keeps_payments_keys_and_undelivered_events(tmp_path, receiver):
    gateway = GatewayProcess(tmp_path / "state.sqlite", receiver.url)
    gateway.start()
    try:
        receiver.answers = [500] * 6
        same = key()
        config = gateway.config()
        paid = stripe_gateway.create_payment_intent(
            config,
            amount_fen=900,
            idempotency_key=same,
            payment_method="pm_card_visa",
            confirm=True,
        )
        gateway.fault(kind="slow", seconds=30)
        hanging = key()
        with pytest.raises(httpx.TimeoutException):
            httpx.post(
                gateway.url + "/v1/payment_intents",
                data={"amount": 1, "currency": "cny"},
                headers={"Authorization": "Bearer sk_test_x", "Idempotency-Key": hanging},
                timeout=0.3,
                trust_env=False,
            )
        gateway.kill()
        gateway.start()
        assert stripe_gateway.retrieve_payment_intent(config, paid.id) == paid
        replayed = stripe_gateway.create_payment_intent(
            config,
            amount_fen=900,
            idempotency_key=same,
            payment_method="pm_card_visa",
            confirm=True,
        )
        assert replayed == paid
        answer = gateway.post("/v1/payment_intents", hanging, amount=1, currency="cny")
        assert answer.status_code == 200
        receiver.wait_for(lambda got: any(b'"payment_intent.succeeded"' in m.body for m in got[6:]))
        assert gateway.gateway_state()["balances_fen"] == {"platform": 900}
    finally:
        gateway.kill()


def test_the_gateway_ends_at_once_when_asked(tmp_path):
    gateway = GatewayProcess(tmp_path / "state.sqlite")
    gateway.start()
    started = time.monotonic()
    gateway.process.terminate()
    assert gateway.process.wait(10) == 0
    assert time.monotonic() - started < 5


def test_the_gateway_refuses_to_start_without_a_secret_or_on_a_taken_port(gateway):
    command = [sys.executable, "-m", "marketplace.sandbox_gateway", "--port", str(gateway.port)]
    environment = {n: v for n, v in os.environ.items() if n != "STRIPE_WEBHOOK_SECRET"}
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, timeout=30)
    assert ended.returncode == 2
    assert b"STRIPE_WEBHOOK_SECRET" in ended.stderr
    environment["STRIPE_WEBHOOK_SECRET"] = SECRET
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, timeout=30)
    assert ended.returncode == 1
    assert b"Cannot listen" in ended.stderr
