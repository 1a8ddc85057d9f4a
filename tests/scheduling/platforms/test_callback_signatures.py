"""What a callback must carry to be believed; the clock is an argument, so no test waits."""

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from standardwebhooks import Webhook

from scheduling.platforms.connectors.contract import CallbackRefused, Connector, JobState
from scheduling.platforms.connectors.sandbox import SandboxConnector
from tests.scheduling.platforms.conftest import SECRET

AT = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
CONNECTOR: Connector = SandboxConnector(base_url="http://x", api_token="t", callback_secret=SECRET)


def event(**changes):
    data = {
        "ref": "job_1",
        "lease_id": "lease-1",
        "sequence": 3,
        "simulated": True,
        "state": "RUNNING",
        "reason": "",
        "platform_time": "2026-11-22T20:00:00+08:00",
    }
    whole = {
        "specversion": "1.0",
        "id": "evt_1",
        "source": "urn:x",
        "type": "suanquan.job.state_changed.v1",
        "time": "2026-11-22T12:00:00+00:00",
        "data": data | changes.pop("data", {}),
    }
    return json.dumps(whole | changes).encode()


def usage(**data):
    fields = {
        "meter_id": "meter-1",
        "starts_at": "2026-11-22T12:00:00+00:00",
        "ends_at": "2026-11-22T13:00:00+00:00",
        "accelerator_hours": "8",
        "energy_kwh": "4.4",
    }
    return event(type="suanquan.job.usage_reported.v1", data=fields | data)


def signed(body, *, at=AT, secret=SECRET):
    return {
        "Webhook-Id": "evt_1",
        "Webhook-Timestamp": str(int(at.timestamp())),
        "Webhook-Signature": Webhook(secret).sign("evt_1", at, body.decode()),
    }


def code_of(headers, body, at=AT):
    with pytest.raises(CallbackRefused) as caught:
        CONNECTOR.parse_callback(headers, body, at=at)
    assert not caught.value.retryable
    return caught.value.code


def test_believes_what_our_secret_signed():
    parsed = CONNECTOR.parse_callback(signed(event()), event(), at=AT)
    assert (parsed.state, parsed.sequence, parsed.event_id) == (JobState.RUNNING, 3, "evt_1")


def test_believes_one_good_signature_among_several():
    headers = signed(event())
    headers["Webhook-Signature"] = "v1,bm8= v2,x " + headers["Webhook-Signature"]
    assert CONNECTOR.parse_callback(headers, event(), at=AT)


def test_a_clock_in_shanghai_is_the_same_clock():
    shanghai = AT.astimezone(timezone(timedelta(hours=8)))
    assert CONNECTOR.parse_callback(signed(event()), event(), at=shanghai)


def test_refuses_another_secret():
    forged = signed(event(), secret="whsec_" + "bm90IHRoZSBzZWNyZXQ=")
    assert code_of(forged, event()) == "signature_mismatch"


def test_refuses_everything_while_no_secret_is_set():
    unset = SandboxConnector(base_url="http://x", api_token="t", callback_secret="")
    with pytest.raises(CallbackRefused):
        unset.parse_callback(signed(event()), event(), at=AT)


def test_refuses_a_body_changed_after_signing():
    assert code_of(signed(event()), event(data={"sequence": 4})) == "signature_mismatch"


@pytest.mark.parametrize("name", ["Webhook-Id", "Webhook-Timestamp", "Webhook-Signature"])
def test_refuses_a_missing_header(name):
    headers = signed(event())
    del headers[name]
    assert code_of(headers, event()) == "missing_headers"


@pytest.mark.parametrize("value", ["", "now", "-5", "1.5", "１２３４５", "9" * 40])
def test_refuses_a_timestamp_that_is_no_number(value):
    headers = signed(event()) | {"Webhook-Timestamp": value}
    assert code_of(headers, event()) in ("timestamp_invalid", "missing_headers")


@pytest.mark.parametrize("signature", ["x", "v1", "v1,", "v1,ÿ", "v2,abc", " "])
def test_refuses_a_malformed_signature(signature):
    assert code_of(signed(event()) | {"Webhook-Signature": signature}, event()) in (
        "signature_mismatch",
        "missing_headers",
    )


def test_five_minutes_are_the_tolerance_to_both_sides():
    headers = signed(event())
    edge, beyond = timedelta(minutes=5), timedelta(minutes=5, seconds=1)
    assert CONNECTOR.parse_callback(headers, event(), at=AT + edge)
    assert CONNECTOR.parse_callback(headers, event(), at=AT - edge)
    assert code_of(headers, event(), AT + beyond) == "timestamp_too_old"
    assert code_of(headers, event(), AT - beyond) == "timestamp_too_new"


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b"[]",
        b"nonsense",
        event(specversion="0.3"),
        event(type="something.else"),
        event(time="2026-11-22T12:00:00"),
        event(id=""),
        event(data={"state": "SLEEPING"}),
        usage(accelerator_hours="-1"),
        usage(accelerator_hours="NaN"),
        usage(accelerator_hours=8.0),
        usage(energy_kwh="Infinity"),
        usage(ends_at="2026-11-22T12:00:00+00:00"),
        usage(meter_id=None),
    ],
)
def test_refuses_a_signed_body_that_is_no_event_of_a_job(body):
    assert code_of(signed(body), body) == "malformed_body"


def test_unknown_energy_is_read_as_unknown():
    body = usage(energy_kwh=None)
    assert CONNECTOR.parse_callback(signed(body), body, at=AT).energy_kwh is None
