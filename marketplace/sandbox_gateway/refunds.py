"""Refunds: never more than was taken and not yet sent back."""

from typing import Any

from marketplace.sandbox_gateway import check_params as check
from marketplace.sandbox_gateway.call import Call, new_id
from marketplace.sandbox_gateway.emit_event import emit
from marketplace.sandbox_gateway.refusals import Refused, wrong_param

REASONS = ("duplicate", "fraudulent", "requested_by_customer")


def create(call: Call) -> dict[str, Any]:
    """POST /v1/refunds"""
    params = call.params
    check.only(params, ("payment_intent", "charge", "amount", "reason", "metadata"))
    reason = check.choice(params, "reason", REASONS, None)
    metadata = check.metadata(params)
    wanted = check.amount(params) if "amount" in params else None
    charge = _charge(call)
    left = charge["amount_captured"] - charge["amount_refunded"]
    if charge["status"] != "succeeded" or not charge["captured"]:
        raise Refused("This charge has not been captured.", code="charge_not_refundable")
    if left == 0:
        raise Refused(
            f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded"
        )
    amount = left if wanted is None else wanted
    if amount > left:
        raise Refused(
            f"Refund amount (¥{amount / 100:.2f}) is greater than unrefunded amount on charge"
            f" (¥{left / 100:.2f})",
            param="amount",
        )
    refund = {
        "id": new_id("re"),
        "object": "refund",
        "amount": amount,
        "charge": charge["id"],
        "created": call.now,
        "currency": charge["currency"],
        "metadata": metadata,
        "payment_intent": charge["payment_intent"],
        "reason": reason,
        "status": "succeeded",
    }
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount_captured"]
    call.store.keep(charge, call.account)
    call.store.keep(refund, call.account)
    call.store.post(call.account, refund["id"], -amount)
    emit(call, "refund.created", refund)
    emit(call, "charge.refunded", charge)
    return refund


def _charge(call: Call) -> dict[str, Any]:
    named = check.text(call.params, "charge")
    if named is not None:
        return call.store.find("charge", named, call.account, param="charge", status=400)
    intent_name = check.text(call.params, "payment_intent")
    if intent_name is None:
        raise wrong_param(
            "payment_intent",
            "One of the following params should be provided for this request:"
            " payment_intent or charge.",
            "parameter_missing",
        )
    intent = call.store.find(
        "payment_intent", intent_name, call.account, param="payment_intent", status=400
    )
    if intent["latest_charge"] is None:
        raise Refused(
            "This PaymentIntent does not have a successful charge to refund.",
            code="payment_intent_unexpected_state",
        )
    return call.store.find("charge", intent["latest_charge"], call.account)
