"""Events: signed, repeated until taken, twice and reversed on request; forgeries are refused."""

import json
import uuid
from datetime import UTC, datetime, timedelta

import pytest
import stripe

from marketplace import stripe_gateway
from marketplace.sandbox_gateway.deliver_webhooks import signature_header
from marketplace.stripe_gateway import WebhookRefused, verify_webhook
from tests.marketplace.gateway.conftest import SECRET


def pay(gateway, **changes):
    fields = {"payment_method": "pm_card_visa", "confirm": True} | changes
    return stripe_gateway.create_payment_intent(
        gateway.config(), amount_fen=700, idempotency_key=str(uuid.uuid4()), **fields
    )


def read(message, at=None):
    header = {k.lower(): v for k, v in message.headers.items()}["stripe-signature"]
    return verify_webhook(message.body, header, SECRET, at=at or datetime.now(UTC))


def test_a_payment_is_told_by_signed_events_in_order(gateway, receiver):
    intent = pay(gateway, metadata={"order": "o-7"})
    events = [read(m) for m in receiver.wait_for(lambda got: got if len(got) >= 3 else None)]
    assert [event.type for event in events] == [
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.succeeded",
    ]
    assert events[2].object_id == intent.id
    assert events[2].metadata == {"order": "o-7"}
    assert events[2].payload["amount_received"] == 700
    assert not events[2].livemode


def test_stripes_own_library_believes_the_signature(gateway, receiver):
    pay(gateway)
    message = receiver.wait_for(lambda got: got[0] if got else None)
    header = {k.lower(): v for k, v in message.headers.items()}["stripe-signature"]
    assert stripe.Webhook.construct_event(message.body, header, SECRET, api_key="x").id


def test_an_event_is_repeated_unchanged_until_it_is_taken(gateway, receiver):
    receiver.answers = [500, 503, 404]
    pay(gateway, confirm=False)
    receiver.wait_for(lambda got: len(got) >= 4)
    assert len({message.body for message in receiver.received}) == 1
    assert len(receiver.received) == 4


def test_an_event_comes_twice_on_request_under_one_id(gateway, receiver):
    gateway.fault(kind="duplicate_webhook")
    pay(gateway, confirm=False)
    receiver.wait_for(lambda got: len(got) >= 2)
    assert len({read(message).id for message in receiver.received}) == 1


def test_events_come_in_reverse_on_request(gateway, receiver):
    gateway.fault(kind="reorder_webhooks", count=3)
    pay(gateway)
    receiver.wait_for(lambda got: len(got) >= 3)
    assert [read(message).type for message in receiver.received] == [
        "payment_intent.succeeded",
        "charge.succeeded",
        "payment_intent.created",
    ]


def test_an_event_signed_with_another_secret_is_refused(gateway, receiver):
    gateway.fault(kind="forge_signature")
    receiver.answers = [400]
    pay(gateway, confirm=False)
    receiver.wait_for(lambda got: len(got) >= 2)
    forged, good = receiver.received
    with pytest.raises(WebhookRefused) as caught:
        read(forged)
    assert caught.value.code == "signature_mismatch"
    assert read(good).type == "payment_intent.created"


EVENT = {
    "id": "evt_1",
    "object": "event",
    "type": "payment_intent.succeeded",
    "created": 1_790_000_000,
    "livemode": False,
    "data": {"object": {"id": "pi_1", "object": "payment_intent"}},
}
AT = datetime(2026, 11, 22, 12, tzinfo=UTC)


def signed(body, secret=SECRET):
    return signature_header(secret, body, int(AT.timestamp()))


def code_of(body, header, at=AT, secret=SECRET):
    with pytest.raises(WebhookRefused) as caught:
        verify_webhook(body.encode(), header, secret, at=at)
    return caught.value.code


def test_five_minutes_are_the_tolerance_to_both_sides():
    body = json.dumps(EVENT)
    edge, beyond = timedelta(minutes=5), timedelta(minutes=5, seconds=1)
    for at in (AT, AT + edge, AT - edge):
        assert verify_webhook(body.encode(), signed(body), SECRET, at=at).object_id == "pi_1"
    for at in (AT + beyond, AT - beyond):
        assert code_of(body, signed(body), at) == "timestamp_out_of_tolerance"


@pytest.mark.parametrize(
    "header", ["", "x", "t=1", "v1=abc", "t=,v1=", "t=now,v1=abc", "t=1,v1=abc,v1=ÿ", "=,="]
)
def test_a_malformed_signature_is_refused(header):
    assert code_of(json.dumps(EVENT), header) == "signature_mismatch"


def test_a_changed_body_another_secret_or_none_are_refused():
    body = json.dumps(EVENT)
    assert code_of(body.replace("pi_1", "pi_2"), signed(body)) == "signature_mismatch"
    assert code_of(body, signed(body, "whsec_other")) == "signature_mismatch"
    assert code_of(body, signed(body, ""), secret="") == "signature_mismatch"


@pytest.mark.parametrize("body", ["{}", "[]", "nonsense", json.dumps(EVENT | {"data": None})])
def test_a_signed_body_that_is_no_event_is_refused(body):
    assert code_of(body, signed(body)) == "malformed_body"


def test_a_second_timestamp_in_the_header_cannot_make_an_old_signature_young():
    body = json.dumps(EVENT)
    late = AT + timedelta(hours=1)
    header = signed(body) + f",t={int(late.timestamp())}"
    assert code_of(body, header, late) == "signature_mismatch"
