"""Write a CloudEvent of a job into the table of callbacks, in the transaction of the change."""

import json
import secrets
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from scheduling.platforms.connectors.read_callback import STATE_CHANGED, USAGE_REPORTED
from scheduling.platforms.sandbox_server.inject_faults import take_fault
from scheduling.platforms.sandbox_server.store import Store

SOURCE = "urn:suanquan:platform:sandbox"
REVERSED_GAP_SECONDS = 0.02


def emit_state(store: Store, ref: str, state: str, *, reason: str = "", now_s: float) -> None:
    """Tell that the job has entered `state`."""
    job = store.one("SELECT * FROM job WHERE ref = ?", ref)
    assert job is not None
    at = job_time(json.loads(job["request"]), Decimal(job["done_hours"]))
    _emit(store, ref, STATE_CHANGED, {"state": state, "reason": reason, "platform_time": at}, now_s)


def emit_usage(store: Store, ref: str, *, start: Decimal, end: Decimal, now_s: float) -> None:
    """Tell what the job's meter counted between hour `start` and hour `end` of its run."""
    job = store.one("SELECT * FROM job WHERE ref = ?", ref)
    assert job is not None
    request = json.loads(job["request"])
    data = {
        # One meter per job: intervals on one meter never overlap, also when jobs share a pool.
        "meter_id": f"sandbox-{ref}",
        "starts_at": job_time(request, start),
        "ends_at": job_time(request, end),
        **metered(request, end - start),
    }
    _emit(store, ref, USAGE_REPORTED, data, now_s)


def metered(request: dict[str, Any], hours: Decimal) -> dict[str, str | None]:
    """Accelerator-hours, and kWh where the power is known, of `hours` of run, as text."""
    accelerator_hours = hours * request["accelerator_count"]
    power = request["power_kw_per_accelerator"]
    energy = None if power is None else accelerator_hours * Decimal(power)
    return {
        "accelerator_hours": format(accelerator_hours, "f"),
        "energy_kwh": None if energy is None else format(energy, "f"),
    }


def job_time(request: dict[str, Any], hours: Decimal) -> str:
    """The job's own clock `hours` after its start, RFC 3339."""
    start = datetime.fromisoformat(request["starts_at"])
    return (start + timedelta(seconds=float(hours * 3600))).isoformat()


def _emit(store: Store, ref: str, kind: str, data: dict[str, Any], now_s: float) -> None:
    store.connection.execute("UPDATE job SET sequence = sequence + 1 WHERE ref = ?", (ref,))
    job = store.one("SELECT * FROM job WHERE ref = ?", ref)
    assert job is not None
    request = json.loads(job["request"])
    event_id = "evt_" + secrets.token_hex(12)
    event = {
        "specversion": "1.0",
        "id": event_id,
        "source": SOURCE,
        "type": kind,
        "subject": job["lease_id"],
        "time": datetime.fromtimestamp(now_s, UTC).isoformat(),
        "datacontenttype": "application/json",
        "data": {
            "ref": ref,
            "lease_id": job["lease_id"],
            "sequence": job["sequence"],
            "simulated": True,
            **data,
        },
    }
    lease_id = job["lease_id"]
    forged = take_fault(store, "forge_signature", lease_id=lease_id) is not None
    twice = take_fault(store, "duplicate_callback", lease_id=lease_id) is not None
    reorder = take_fault(store, "reorder_callbacks", lease_id=lease_id)
    for _ in range(2 if twice else 1):
        store.connection.execute(
            "INSERT INTO callback (event_id, ref, url, body, forged, held, due_s)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                event_id,
                ref,
                request["callback_url"],
                json.dumps(event),
                forged,
                reorder is not None,
                now_s,
            ),
        )
    if reorder is not None and reorder["remaining"] == 1:
        _release_reversed(store, now_s)


def _release_reversed(store: Store, now_s: float) -> None:
    held = store.all("SELECT number FROM callback WHERE held = 1 ORDER BY number DESC")
    for place, row in enumerate(held):
        store.connection.execute(
            "UPDATE callback SET held = 0, due_s = ? WHERE number = ?",
            (now_s + place * REVERSED_GAP_SECONDS, row["number"]),
        )
