"""Accept a job for a lease, once. A repeated dispatch is told that it has already started."""

import hashlib
import json
import secrets
import sqlite3
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import urlsplit

from scheduling.platforms.sandbox_server.emit_event import emit_state
from scheduling.platforms.sandbox_server.inject_faults import take_fault
from scheduling.platforms.sandbox_server.pace import Pace
from scheduling.platforms.sandbox_server.refusals import PlatformRefusal
from scheduling.platforms.sandbox_server.store import Store

TERMS = (
    "pool_code",
    "accelerator_model",
    "accelerator_count",
    "starts_at",
    "duration_hours",
    "power_kw_per_accelerator",
)
"""What a repeated dispatch must say again; the address for callbacks may have changed."""

MAX_DURATION_HOURS = Decimal(24 * 366)


def accept_job(store: Store, pace: Pace, request: Any, *, now_s: float) -> tuple[sqlite3.Row, bool]:
    """Return the job's row and whether it had started before.

    Raises PlatformRefusal 422 `invalid_request`, 409 `lease_mismatch`.
    """
    request = _checked(request)
    terms = json.dumps({name: request[name] for name in TERMS}, sort_keys=True)
    terms_hash = hashlib.sha256(terms.encode()).hexdigest()
    with store.transaction() as connection:
        known = store.one("SELECT * FROM job WHERE lease_id = ?", request["lease_id"])
        if known is not None:
            if known["terms_hash"] != terms_hash:
                raise PlatformRefusal(
                    409, "lease_mismatch", "This lease has been dispatched with other terms."
                )
            _send_elsewhere(connection, known, request)
            return known, True
        ref = "job_" + secrets.token_hex(12)
        connection.execute(
            "INSERT INTO job (ref, lease_id, terms_hash, request, state, next_step_s, planned_end)"
            " VALUES (?, ?, ?, ?, 'QUEUED', ?, ?)",
            (
                ref,
                request["lease_id"],
                terms_hash,
                json.dumps(request),
                now_s + pace.queue_seconds,
                _planned_end(store, request["lease_id"]),
            ),
        )
        emit_state(store, ref, "QUEUED", now_s=now_s)
        job = store.one("SELECT * FROM job WHERE ref = ?", ref)
    assert job is not None
    return job, False


def _send_elsewhere(
    connection: sqlite3.Connection, job: sqlite3.Row, request: dict[str, Any]
) -> None:
    """The caller may have moved: what is still to be told goes to the address given last."""
    url = request["callback_url"]
    if url == json.loads(job["request"])["callback_url"]:
        return
    connection.execute(
        "UPDATE job SET request = json_set(request, '$.callback_url', ?) WHERE ref = ?",
        (url, job["ref"]),
    )
    connection.execute(
        "UPDATE callback SET url = ? WHERE ref = ? AND delivered_s IS NULL", (url, job["ref"])
    )


def _planned_end(store: Store, lease_id: str) -> str | None:
    """How the job will end if a fault has been ordered for it: state and part of the run."""
    endings = {
        "fail_user": "EXECUTOR_ERROR",
        "fail_platform": "SYSTEM_ERROR",
        "preempt": "PREEMPTED",
    }
    for kind, state in endings.items():
        fault = take_fault(store, kind, lease_id=lease_id)
        if fault is not None:
            return json.dumps({"state": state, "after_fraction": fault["after_fraction"]})
    return None


def _checked(request: Any) -> dict[str, Any]:
    if not isinstance(request, dict):
        raise _invalid("body", "an object is expected")
    for name in ("lease_id", "pool_code", "accelerator_model"):
        if not isinstance(request.get(name), str) or not 0 < len(request[name]) <= 200:
            raise _invalid(name, "a text of 1 to 200 characters is expected")
    count = request.get("accelerator_count")
    if not isinstance(count, int) or isinstance(count, bool) or not 0 < count <= 1_000_000:
        raise _invalid("accelerator_count", "a whole number from 1 is expected")
    _check_time(request.get("starts_at"))
    duration = _number("duration_hours", request.get("duration_hours"))
    if not 0 < duration <= MAX_DURATION_HOURS:
        raise _invalid("duration_hours", "more than 0 and at most a year is expected")
    request.setdefault("power_kw_per_accelerator", None)
    if request["power_kw_per_accelerator"] is not None:
        _number("power_kw_per_accelerator", request["power_kw_per_accelerator"])
    request.setdefault("labels", {})
    if not isinstance(request["labels"], dict):
        raise _invalid("labels", "an object is expected")
    address = urlsplit(str(request.get("callback_url")))
    if address.scheme not in ("http", "https") or not address.hostname:
        raise _invalid("callback_url", "an absolute http or https address is expected")
    return request


def _check_time(value: Any) -> None:
    try:
        if datetime.fromisoformat(value).tzinfo is None:
            raise ValueError
    except (TypeError, ValueError):
        raise _invalid("starts_at", "an RFC 3339 time with offset is expected") from None


def _number(name: str, value: Any) -> Decimal:
    try:
        if not isinstance(value, str):
            raise ValueError
        number = Decimal(value)
        if not number.is_finite() or number < 0:
            raise ValueError
    except (InvalidOperation, ValueError):
        raise _invalid(name, "a number not below 0, written as text, is expected") from None
    return number


def _invalid(name: str, why: str) -> PlatformRefusal:
    return PlatformRefusal(422, "invalid_request", f"{name}: {why}")
