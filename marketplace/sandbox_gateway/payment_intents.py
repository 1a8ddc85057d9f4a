"""PaymentIntents: create, confirm, capture, cancel."""

import secrets
from typing import Any

from marketplace.sandbox_gateway import check_params as check
from marketplace.sandbox_gateway.call import Call, new_id
from marketplace.sandbox_gateway.charge_payment import attempt, capture_charge, void_charge
from marketplace.sandbox_gateway.emit_event import emit
from marketplace.sandbox_gateway.payment_methods import (
    KINDS,
    Method,
    chosen_method,
    stored_method,
)
from marketplace.sandbox_gateway.refusals import Refused, wrong_param

HOW = ("payment_method", "payment_method_data", "payment_method_options", "return_url")
CANCELABLE = (
    "requires_payment_method",
    "requires_confirmation",
    "requires_action",
    "requires_capture",
    "processing",
)
CANCEL_REASONS = ("duplicate", "fraudulent", "requested_by_customer", "abandoned")


def create(call: Call) -> dict[str, Any]:
    """POST /v1/payment_intents"""
    params = call.params
    check.only(
        params,
        (
            *HOW,
            "amount",
            "currency",
            "payment_method_types",
            "confirm",
            "capture_method",
            "description",
            "metadata",
            "statement_descriptor",
            "transfer_group",
        ),
    )
    kinds = _kinds(params)
    capture_method = check.choice(
        params, "capture_method", ("automatic", "automatic_async", "manual"), "automatic"
    )
    if capture_method == "manual" and kinds != ["card"]:
        raise wrong_param("capture_method", "Only cards can be captured later.")
    method = chosen_method(params, kinds)
    confirm_now = check.boolean(params, "confirm")
    if confirm_now and method is None:
        raise _no_method()
    name = new_id("pi")
    intent = {
        "id": name,
        "object": "payment_intent",
        "amount": check.amount(params),
        "amount_capturable": 0,
        "amount_received": 0,
        "application_fee_amount": None,
        "automatic_payment_methods": None,
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": capture_method,
        "client_secret": f"{name}_secret_{secrets.token_hex(12)}",
        "confirmation_method": "automatic",
        "created": call.now,
        "currency": check.currency(params),
        "customer": None,
        "description": check.text(params, "description"),
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": False,
        "metadata": check.metadata(params),
        "next_action": None,
        "payment_method": method.id if method else None,
        "payment_method_options": {},
        "payment_method_types": kinds,
        "receipt_email": None,
        "statement_descriptor": check.text(params, "statement_descriptor"),
        "status": "requires_confirmation" if method else "requires_payment_method",
        "transfer_data": None,
        "transfer_group": check.text(params, "transfer_group"),
    }
    return_url = _return_url(params, method) if confirm_now else None
    call.store.keep(intent, call.account)
    emit(call, "payment_intent.created", intent)
    if confirm_now and method is not None:
        attempt(call, intent, method, return_url)
    return intent


def confirm(call: Call) -> dict[str, Any]:
    """POST /v1/payment_intents/{id}/confirm"""
    intent = _intent(call)
    check.only(call.params, HOW)
    if intent["status"] not in ("requires_payment_method", "requires_confirmation"):
        raise unexpected_state(intent, "confirm")
    method = chosen_method(call.params, intent["payment_method_types"])
    if method is None:
        if intent["payment_method"] is None:
            raise _no_method()
        method = stored_method(intent["payment_method"])
    attempt(call, intent, method, _return_url(call.params, method))
    return intent


def capture(call: Call) -> dict[str, Any]:
    """POST /v1/payment_intents/{id}/capture"""
    intent = _intent(call)
    check.only(call.params, ("amount_to_capture",))
    if intent["status"] != "requires_capture":
        raise unexpected_state(intent, "capture")
    taken = intent["amount_capturable"]
    if "amount_to_capture" in call.params:
        taken = check.amount(call.params, "amount_to_capture")
    if taken > intent["amount_capturable"]:
        raise Refused(
            "The amount to capture is more than the amount that can be captured.",
            code="amount_too_large",
            param="amount_to_capture",
        )
    capture_charge(call, intent, taken)
    return intent


def cancel(call: Call) -> dict[str, Any]:
    """POST /v1/payment_intents/{id}/cancel"""
    intent = _intent(call)
    check.only(call.params, ("cancellation_reason",))
    reason = check.choice(call.params, "cancellation_reason", CANCEL_REASONS, None)
    if intent["status"] not in CANCELABLE:
        raise unexpected_state(intent, "cancel")
    if intent["status"] == "requires_capture":
        void_charge(call, intent)
    intent |= {
        "status": "canceled",
        "canceled_at": call.now,
        "cancellation_reason": reason,
        "amount_capturable": 0,
        "next_action": None,
    }
    call.store.keep(intent, call.account)
    emit(call, "payment_intent.canceled", intent)
    return intent


def unexpected_state(intent: dict[str, Any], verb: str) -> Refused:
    """The intent cannot do this in its present state."""
    return Refused(
        f"This PaymentIntent could not be used to {verb} because it has a status of"
        f" {intent['status']}.",
        code="payment_intent_unexpected_state",
        payment_intent=intent,
    )


def _intent(call: Call) -> dict[str, Any]:
    return call.store.find("payment_intent", call.path["id"], call.account, param="intent")


def _kinds(params: dict[str, Any]) -> list[str]:
    kinds = params.get("payment_method_types", ["card"])
    if not isinstance(kinds, list) or not kinds or not set(kinds) <= set(KINDS):
        raise wrong_param("payment_method_types", "This sandbox takes card, alipay and wechat_pay.")
    return kinds


def _return_url(params: dict[str, Any], method: Method | None) -> str | None:
    url = check.text(params, "return_url")
    if method is not None and method.kind == "alipay" and url is None:
        raise wrong_param("return_url", "A return_url must be provided for alipay.")
    if method is not None and method.kind == "wechat_pay":
        options = params.get("payment_method_options")
        wechat = options.get("wechat_pay") if isinstance(options, dict) else None
        if not isinstance(wechat, dict) or not wechat.get("client"):
            raise wrong_param(
                "payment_method_options[wechat_pay][client]",
                "Missing required param: payment_method_options[wechat_pay][client].",
                "parameter_missing",
            )
    return url


def _no_method() -> Refused:
    return Refused(
        "You cannot confirm this PaymentIntent because it's missing a payment method.",
        code="payment_intent_unexpected_state",
        executed=False,
    )
