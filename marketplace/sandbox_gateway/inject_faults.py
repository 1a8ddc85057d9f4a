"""Faults on request, so that callers can be tested against what real gateways do."""

from typing import Any

from marketplace.sandbox_gateway.refusals import wrong_param
from marketplace.sandbox_gateway.store import Store

KINDS = {
    "slow": "the next POST waits `seconds` before it takes effect; its key is in flight meanwhile",
    "unavailable": "the next API call is answered 503 without effect",
    "lost_answer": "the next POST takes effect, but its answer is 500",
    "rate_limit": "the next API call is answered 429 without effect",
    "fail_payout": "the next payout to be settled fails",
    "duplicate_webhook": "the next event is delivered twice",
    "reorder_webhooks": "the next `count` events are held and delivered in reverse",
    "forge_signature": "the next event carries a wrong signature at its first attempt",
}


def inject_fault(store: Store, order: Any) -> dict[str, Any]:
    """Order a fault: `{"kind", "count": 1, "seconds": 1.0}`. Raises Refused."""
    if not isinstance(order, dict) or order.get("kind") not in KINDS:
        raise wrong_param("kind", "kind is one of " + ", ".join(KINDS))
    count, seconds = order.get("count", 1), order.get("seconds", 1.0)
    if not isinstance(count, int) or count < 1:
        raise wrong_param("count", "count is a whole number from 1")
    if not isinstance(seconds, int | float) or not 0 <= seconds <= 600:
        raise wrong_param("seconds", "seconds is a number from 0 to 600")
    with store.transaction() as connection:
        connection.execute(
            "INSERT INTO fault (kind, remaining, seconds) VALUES (?, ?, ?)",
            (order["kind"], count, seconds),
        )
    return {"kind": order["kind"], "remaining": count, "seconds": seconds}


def take_fault(store: Store, kind: str) -> Any:
    """Use up one of the ordered faults of this kind. Call it inside a transaction."""
    fault = store.one(
        "SELECT * FROM fault WHERE kind = ? AND remaining > 0 ORDER BY number LIMIT 1", kind
    )
    if fault is not None:
        store.connection.execute(
            "UPDATE fault SET remaining = remaining - 1 WHERE number = ?", (fault["number"],)
        )
    return fault


def clear_faults(store: Store, *, now_s: float) -> None:
    """Forget all orders and let held events go."""
    with store.transaction() as connection:
        connection.execute("DELETE FROM fault")
        connection.execute("UPDATE delivery SET held = 0, due_s = ? WHERE held = 1", (now_s,))
