"""Faults on request, so that callers can be tested against what real platforms do."""

import sqlite3
from decimal import Decimal, InvalidOperation
from typing import Any

from scheduling.platforms.sandbox_server.refusals import PlatformRefusal
from scheduling.platforms.sandbox_server.store import Store

KINDS = {
    "fail_user": "the next job ends as EXECUTOR_ERROR",
    "fail_platform": "the next job ends as SYSTEM_ERROR",
    "preempt": "the next job ends as PREEMPTED",
    "lost_ack": "the next dispatch takes effect, but its answer is 503",
    "unavailable": "the next call is answered 503 without effect",
    "duplicate_callback": "the next callback is delivered twice",
    "reorder_callbacks": "the next `count` callbacks are held and delivered in reverse",
    "forge_signature": "the next callback carries a wrong signature at its first attempt",
}


def inject_fault(store: Store, order: Any) -> dict[str, Any]:
    """Order a fault: `{"kind", "count": 1, "lease_id": null, "after_fraction": "0.5"}`.

    `lease_id` limits it to one job; `after_fraction` of the run passes before a job fails.
    Raises PlatformRefusal 422.
    """
    if not isinstance(order, dict) or order.get("kind") not in KINDS:
        raise PlatformRefusal(422, "invalid_request", "kind: one of " + ", ".join(KINDS))
    count = order.get("count", 1)
    if not isinstance(count, int) or not 0 < count <= 1_000_000:
        raise PlatformRefusal(422, "invalid_request", "count: a whole number from 1 is expected")
    fraction = str(order.get("after_fraction", "0.5"))
    try:
        if not 0 <= Decimal(fraction) <= 1:
            raise ValueError
    except (InvalidOperation, ValueError):
        raise PlatformRefusal(
            422, "invalid_request", "after_fraction: a number from 0 to 1 is expected"
        ) from None
    lease_id = order.get("lease_id")
    with store.transaction() as connection:
        connection.execute(
            "INSERT INTO fault (kind, lease_id, remaining, after_fraction) VALUES (?, ?, ?, ?)",
            (order["kind"], None if lease_id is None else str(lease_id), count, fraction),
        )
    return {"kind": order["kind"], "lease_id": lease_id, "remaining": count}


def take_fault(store: Store, kind: str, *, lease_id: str | None = None) -> sqlite3.Row | None:
    """Use up one of the ordered faults of this kind. Call it inside a transaction."""
    fault = store.one(
        "SELECT * FROM fault WHERE kind = ? AND remaining > 0"
        " AND (lease_id IS NULL OR lease_id = ?) ORDER BY number LIMIT 1",
        kind,
        lease_id,
    )
    if fault is not None:
        store.connection.execute(
            "UPDATE fault SET remaining = remaining - 1 WHERE number = ?", (fault["number"],)
        )
    return fault


def clear_faults(store: Store, *, now_s: float) -> None:
    """Forget all orders and let held callbacks go."""
    with store.transaction() as connection:
        connection.execute("DELETE FROM fault")
        connection.execute("UPDATE callback SET held = 0, due_s = ? WHERE held = 1", (now_s,))
