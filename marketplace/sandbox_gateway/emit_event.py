"""Write an event and its delivery, in the transaction of the change it tells of."""

import json
from typing import Any

from marketplace.sandbox_gateway.call import Call, new_id
from marketplace.sandbox_gateway.inject_faults import take_fault
from marketplace.sandbox_gateway.store import Store

API_VERSION = "2026-10-28.endive"
REVERSED_GAP_SECONDS = 0.02


def emit(call: Call, kind: str, thing: dict[str, Any]) -> None:
    """Tell that `kind` has happened to `thing`, because of this call."""
    request = {"id": call.request_id, "idempotency_key": call.idempotency_key}
    emit_event(call.store, kind, thing, now=call.now, account=call.account, request=request)


def emit_event(
    store: Store,
    kind: str,
    thing: dict[str, Any],
    *,
    now: int,
    account: str = "",
    request: dict[str, Any] | None = None,
) -> None:
    """Tell that `kind` has happened to `thing`; `request` is None where time made it happen."""
    event = {
        "id": new_id("evt"),
        "object": "event",
        "api_version": API_VERSION,
        "created": now,
        "data": {"object": thing},
        "livemode": False,
        "pending_webhooks": 1,
        "request": request or {"id": None, "idempotency_key": None},
        "type": kind,
    }
    if account:
        event["account"] = account
    store.keep(event, account)
    forged = take_fault(store, "forge_signature") is not None
    twice = take_fault(store, "duplicate_webhook") is not None
    reorder = take_fault(store, "reorder_webhooks")
    for _ in range(2 if twice else 1):
        store.connection.execute(
            "INSERT INTO delivery (event_id, body, forged, held, due_s) VALUES (?, ?, ?, ?, ?)",
            (event["id"], json.dumps(event), forged, reorder is not None, now),
        )
    if reorder is not None and reorder["remaining"] == 1:
        held = store.all("SELECT number FROM delivery WHERE held = 1 ORDER BY number DESC")
        for place, row in enumerate(held):
            store.connection.execute(
                "UPDATE delivery SET held = 0, due_s = ? WHERE number = ?",
                (now + place * REVERSED_GAP_SECONDS, row["number"]),
            )
