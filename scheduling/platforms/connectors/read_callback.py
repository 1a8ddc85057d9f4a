"""Callbacks: believe a signature, then read the CloudEvent. For every connector that signs so."""

import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import InvalidOperation
from typing import Any

from standardwebhooks import Webhook

from scheduling.platforms.connectors.contract import (
    CALLBACK_TOLERANCE,
    CallbackEvent,
    CallbackRefused,
    JobState,
    JobStateChanged,
    UsageReported,
)
from scheduling.platforms.connectors.fields import quantity, quantity_or_none, text, time

STATE_CHANGED = "suanquan.job.state_changed.v1"
USAGE_REPORTED = "suanquan.job.usage_reported.v1"


def verify_signature(
    secret: str, headers: Mapping[str, str], body: bytes, *, at: datetime
) -> datetime:
    """Check a Standard Webhooks signature against the clock `at` and return when it was signed.

    The library's own `verify` reads the machine's clock, so its `sign` is used and the age is
    checked here: within five minutes to either side. Raises CallbackRefused.
    """
    if not secret:
        raise CallbackRefused("No callback secret is set.", code="signature_mismatch")
    lowered = {name.lower(): value for name, value in headers.items()}
    message_id = lowered.get("webhook-id")
    timestamp = lowered.get("webhook-timestamp")
    signatures = lowered.get("webhook-signature")
    if not (message_id and timestamp and signatures):
        raise CallbackRefused("A signature header is missing.", code="missing_headers")
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 11):
        raise CallbackRefused("The timestamp is no number.", code="timestamp_invalid")
    signed_at = datetime.fromtimestamp(int(timestamp), UTC)
    try:
        expected = Webhook(secret).sign(message_id, signed_at, body.decode())
    except UnicodeDecodeError as error:
        raise CallbackRefused("The body is not UTF-8.", code="malformed_body") from error
    offered = signatures.encode().split()
    if not any(hmac.compare_digest(expected.encode(), one) for one in offered):
        raise CallbackRefused("The signature does not fit.", code="signature_mismatch")
    if signed_at < at - CALLBACK_TOLERANCE:
        raise CallbackRefused("The callback is too old.", code="timestamp_too_old")
    if signed_at > at + CALLBACK_TOLERANCE:
        raise CallbackRefused("The callback is from the future.", code="timestamp_too_new")
    return signed_at


def read_event(body: bytes) -> CallbackEvent:
    """Read a CloudEvent 1.0 in JSON. Raises CallbackRefused `malformed_body`."""
    try:
        return _event(json.loads(body))
    except (ValueError, KeyError, TypeError, InvalidOperation) as error:
        raise CallbackRefused(
            "The body is not an event of a job.", code="malformed_body"
        ) from error


def _event(event: dict[str, Any]) -> CallbackEvent:
    if event["specversion"] != "1.0":
        raise ValueError("not CloudEvents 1.0")
    data = event["data"]
    common: dict[str, Any] = {
        "event_id": text(event["id"]),
        "source": text(event["source"]),
        "ref": text(data["ref"]),
        "lease_id": text(data["lease_id"]),
        "sequence": int(data["sequence"]),
        "occurred_at": time(event["time"]),
        "simulated": bool(data["simulated"]),
    }
    if event["type"] == STATE_CHANGED:
        return JobStateChanged(
            **common,
            platform_time=time(data["platform_time"]),
            state=JobState(data["state"]),
            reason=str(data["reason"]),
        )
    if event["type"] == USAGE_REPORTED:
        starts_at, ends_at = time(data["starts_at"]), time(data["ends_at"])
        if not starts_at < ends_at:
            raise ValueError("an interval must have a length")
        return UsageReported(
            **common,
            meter_id=text(data["meter_id"]),
            starts_at=starts_at,
            ends_at=ends_at,
            accelerator_hours=quantity(data["accelerator_hours"]),
            energy_kwh=quantity_or_none(data["energy_kwh"]),
        )
    raise ValueError("unknown type of event")
