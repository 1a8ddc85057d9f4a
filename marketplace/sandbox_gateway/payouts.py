"""Payouts from an account's balance to its bank: pending, then paid or failed a moment later."""

import asyncio
import json
import time
from typing import Any

from marketplace.sandbox_gateway import check_params as check
from marketplace.sandbox_gateway.call import Call, new_id
from marketplace.sandbox_gateway.emit_event import emit, emit_event
from marketplace.sandbox_gateway.inject_faults import take_fault
from marketplace.sandbox_gateway.refusals import Refused
from marketplace.sandbox_gateway.store import Store
from marketplace.sandbox_gateway.transfers import MAX_TRANSFER, insufficient_balance


def create(call: Call) -> dict[str, Any]:
    """POST /v1/payouts; the account is the one of the Stripe-Account header."""
    params = call.params
    check.only(params, ("amount", "currency", "description", "metadata", "statement_descriptor"))
    amount = check.amount(params, most=MAX_TRANSFER)
    currency = check.currency(params)
    if amount > call.store.balance(call.account):
        raise insufficient_balance()
    payout: dict[str, Any] = {
        "id": new_id("po"),
        "object": "payout",
        "amount": amount,
        "arrival_date": call.now,
        "automatic": False,
        "created": call.now,
        "currency": currency,
        "description": check.text(params, "description"),
        "failure_code": None,
        "failure_message": None,
        "livemode": False,
        "metadata": check.metadata(params),
        "method": "standard",
        "statement_descriptor": check.text(params, "statement_descriptor"),
        "status": "pending",
        "type": "bank_account",
    }
    call.store.keep(payout, call.account)
    call.store.connection.execute(
        "UPDATE object SET settle_s = ? WHERE id = ?", (time.time() + 0.2, payout["id"])
    )
    call.store.post(call.account, payout["id"], -amount)
    emit(call, "payout.created", payout)
    return payout


def cancel(call: Call) -> dict[str, Any]:
    """POST /v1/payouts/{id}/cancel"""
    check.only(call.params, ())
    payout = call.store.find("payout", call.path["id"], call.account, param="payout")
    if payout["status"] != "pending":
        raise Refused("Payouts can only be canceled while they are pending.")
    payout["status"] = "canceled"
    _end(call.store, payout, call.account, gives_back=True)
    emit(call, "payout.canceled", payout)
    return payout


async def settle_forever(store: Store) -> None:
    """Bring every pending payout to its end when its moment has come."""
    while True:
        settle_due(store, now_s=time.time())
        await asyncio.sleep(0.1)


def settle_due(store: Store, *, now_s: float) -> None:
    """Pay what is due, or fail it where a fault was ordered."""
    for row in store.all("SELECT id, account, body FROM object WHERE settle_s <= ?", now_s):
        with store.transaction():
            payout = json.loads(row["body"])
            failed = take_fault(store, "fail_payout") is not None
            payout["status"] = "failed" if failed else "paid"
            if failed:
                payout |= {
                    "failure_code": "account_closed",
                    "failure_message": "The bank account has been closed (simulated).",
                }
            _end(store, payout, row["account"], gives_back=failed)
            kind = "payout.failed" if failed else "payout.paid"
            emit_event(store, kind, payout, now=int(now_s), account=row["account"])


def _end(store: Store, payout: dict[str, Any], account: str, *, gives_back: bool) -> None:
    store.keep(payout, account)
    store.connection.execute("UPDATE object SET settle_s = NULL WHERE id = ?", (payout["id"],))
    if gives_back:
        store.post(account, payout["id"], payout["amount"])
