"""What happens when a payment is tried: declined, the payer is asked, authorized, or taken."""

from typing import Any

from marketplace.sandbox_gateway.call import Call, new_id
from marketplace.sandbox_gateway.emit_event import emit
from marketplace.sandbox_gateway.payment_methods import Method, decline_message, stored_method
from marketplace.sandbox_gateway.refusals import Refused


def attempt(call: Call, intent: dict[str, Any], method: Method, return_url: str | None) -> None:
    """Try to pay. Raises Refused 402 `card_error`, which leaves the failed charge behind."""
    intent |= {"payment_method": method.id, "last_payment_error": None, "next_action": None}
    if method.asks_payer:
        intent["status"] = "requires_action"
        intent["next_action"] = _next_action(call, intent, method, return_url)
        call.store.keep(intent, call.account)
        emit(call, "payment_intent.requires_action", intent)
    elif method.error_code is not None:
        raise decline(
            call,
            intent,
            message=decline_message(method),
            code=method.error_code,
            decline_code=method.decline_code,
        )
    else:
        take_payment(call, intent)


def decline(
    call: Call, intent: dict[str, Any], *, message: str, code: str, decline_code: str | None
) -> Refused:
    """Record a failed charge and return the refusal that tells of it."""
    charge = _charge(call, intent, status="failed", captured=0)
    charge |= {"failure_code": code, "failure_message": message}
    call.store.keep(charge, call.account)
    emit(call, "charge.failed", charge)
    error = {
        "type": "card_error",
        "code": code,
        "decline_code": decline_code,
        "message": message,
        "charge": charge["id"],
    }
    intent |= {
        "status": "requires_payment_method",
        "payment_method": None,
        "next_action": None,
        "latest_charge": charge["id"],
        "last_payment_error": error,
    }
    call.store.keep(intent, call.account)
    emit(call, "payment_intent.payment_failed", intent)
    return Refused(
        message,
        status=402,
        kind="card_error",
        code=code,
        decline_code=decline_code,
        charge=charge["id"],
        payment_intent=intent,
        keeps_changes=True,
    )


def take_payment(call: Call, intent: dict[str, Any]) -> None:
    """Authorize, and take the money unless it is to be captured later."""
    manual = intent["capture_method"] == "manual"
    charge = _charge(call, intent, status="succeeded", captured=0 if manual else intent["amount"])
    call.store.keep(charge, call.account)
    intent |= {"latest_charge": charge["id"], "next_action": None, "last_payment_error": None}
    if manual:
        intent |= {"status": "requires_capture", "amount_capturable": intent["amount"]}
        call.store.keep(intent, call.account)
        emit(call, "payment_intent.amount_capturable_updated", intent)
        return
    call.store.post(call.account, charge["id"], intent["amount"])
    intent |= {"status": "succeeded", "amount_received": intent["amount"]}
    call.store.keep(intent, call.account)
    emit(call, "charge.succeeded", charge)
    emit(call, "payment_intent.succeeded", intent)


def capture_charge(call: Call, intent: dict[str, Any], taken: int) -> None:
    """Take `taken` fen of an authorized charge and let the rest go."""
    charge = call.store.find("charge", intent["latest_charge"], call.account)
    charge |= {"captured": True, "amount_captured": taken}
    call.store.keep(charge, call.account)
    call.store.post(call.account, charge["id"], taken)
    intent |= {"status": "succeeded", "amount_received": taken, "amount_capturable": 0}
    call.store.keep(intent, call.account)
    emit(call, "charge.captured", charge)
    emit(call, "payment_intent.succeeded", intent)


def void_charge(call: Call, intent: dict[str, Any]) -> None:
    """Let an authorization go: nothing was taken, nothing can be refunded."""
    charge = call.store.find("charge", intent["latest_charge"], call.account)
    charge |= {"refunded": True, "amount_refunded": charge["amount"]}
    call.store.keep(charge, call.account)


def _charge(call: Call, intent: dict[str, Any], *, status: str, captured: int) -> dict[str, Any]:
    method = stored_method(intent["payment_method"])
    return {
        "id": new_id("ch"),
        "object": "charge",
        "amount": intent["amount"],
        "amount_captured": captured,
        "amount_refunded": 0,
        "captured": captured > 0,
        "created": call.now,
        "currency": intent["currency"],
        "description": intent["description"],
        "failure_code": None,
        "failure_message": None,
        "livemode": False,
        "metadata": intent["metadata"],
        "paid": status == "succeeded",
        "payment_intent": intent["id"],
        "payment_method": method.id,
        "payment_method_details": {"type": method.kind, method.kind: {}},
        "refunded": False,
        "status": status,
        "transfer_group": intent["transfer_group"],
    }


def _next_action(
    call: Call, intent: dict[str, Any], method: Method, return_url: str | None
) -> dict[str, Any]:
    url = f"{call.base_url}/sandbox/authorize/{intent['id']}"
    if method.kind == "wechat_pay":
        code = {"data": url, "image_url_png": None, "image_url_svg": None}
        return {"type": "wechat_pay_display_qr_code", "wechat_pay_display_qr_code": code}
    kind = "alipay_handle_redirect" if method.kind == "alipay" else "redirect_to_url"
    return {"type": kind, kind: {"url": url, "return_url": return_url}}
