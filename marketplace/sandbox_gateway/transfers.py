"""Transfers from the platform's balance to a connected account, and their reversals."""

from typing import Any

from marketplace.sandbox_gateway import check_params as check
from marketplace.sandbox_gateway.call import Call, new_id
from marketplace.sandbox_gateway.emit_event import emit
from marketplace.sandbox_gateway.refusals import Refused

MAX_TRANSFER = 999_999_999_999


def create(call: Call) -> dict[str, Any]:
    """POST /v1/transfers"""
    params = call.params
    check.only(
        params, ("amount", "currency", "destination", "description", "metadata", "transfer_group")
    )
    amount = check.amount(params, most=MAX_TRANSFER)
    currency = check.currency(params)
    destination = check.text(params, "destination", required=True) or ""
    call.store.find("account", destination, call.account, param="destination", status=400)
    if amount > call.store.balance(call.account):
        raise insufficient_balance()
    transfer: dict[str, Any] = {
        "id": new_id("tr"),
        "object": "transfer",
        "amount": amount,
        "amount_reversed": 0,
        "created": call.now,
        "currency": currency,
        "description": check.text(params, "description"),
        "destination": destination,
        "livemode": False,
        "metadata": check.metadata(params),
        "reversed": False,
        "transfer_group": check.text(params, "transfer_group"),
    }
    call.store.keep(transfer, call.account)
    call.store.post(call.account, transfer["id"], -amount)
    call.store.post(destination, transfer["id"], amount)
    emit(call, "transfer.created", transfer)
    return transfer


def reverse(call: Call) -> dict[str, Any]:
    """POST /v1/transfers/{id}/reversals"""
    check.only(call.params, ("amount", "description", "metadata"))
    transfer = call.store.find("transfer", call.path["id"], call.account, param="transfer")
    left = transfer["amount"] - transfer["amount_reversed"]
    amount = left
    if "amount" in call.params:
        amount = check.amount(call.params, most=MAX_TRANSFER)
    if left == 0 or amount > left:
        raise Refused(
            f"The reversal (¥{amount / 100:.2f}) is greater than what is left of the transfer"
            f" (¥{left / 100:.2f})",
            param="amount",
        )
    if amount > call.store.balance(transfer["destination"]):
        raise insufficient_balance()
    reversal: dict[str, Any] = {
        "id": new_id("trr"),
        "object": "transfer_reversal",
        "amount": amount,
        "created": call.now,
        "currency": transfer["currency"],
        "metadata": check.metadata(call.params),
        "transfer": transfer["id"],
    }
    transfer["amount_reversed"] += amount
    transfer["reversed"] = transfer["amount_reversed"] == transfer["amount"]
    call.store.keep(transfer, call.account)
    call.store.keep(reversal, call.account)
    call.store.post(transfer["destination"], reversal["id"], -amount)
    call.store.post(call.account, reversal["id"], amount)
    emit(call, "transfer.reversed", transfer)
    return reversal


def insufficient_balance() -> Refused:
    """An account cannot give what it does not have."""
    return Refused(
        "You have insufficient available funds in your Stripe account.", code="balance_insufficient"
    )
