"""Stripe's test payment methods, and what becomes of a payment with each."""

from dataclasses import dataclass
from typing import Any

from marketplace.sandbox_gateway import check_params as check
from marketplace.sandbox_gateway.refusals import Refused, wrong_param

KINDS = ("card", "alipay", "wechat_pay")


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """A means of payment: its id, its kind, and whether it asks the payer or is declined."""

    id: str
    kind: str
    asks_payer: bool = False
    error_code: str | None = None
    decline_code: str | None = None


def _declined(name: str, error_code: str, decline_code: str | None) -> Method:
    return Method(id=name, kind="card", error_code=error_code, decline_code=decline_code)


_DECLINES = {
    "chargeDeclined": ("card_declined", "generic_decline"),
    "chargeDeclinedInsufficientFunds": ("card_declined", "insufficient_funds"),
    "chargeDeclinedLostCard": ("card_declined", "lost_card"),
    "chargeDeclinedStolenCard": ("card_declined", "stolen_card"),
    "chargeDeclinedExpiredCard": ("expired_card", "expired_card"),
    "chargeDeclinedIncorrectCvc": ("incorrect_cvc", "incorrect_cvc"),
    "chargeDeclinedProcessingError": ("processing_error", "processing_error"),
}
METHODS = {
    **{
        name: Method(id=name, kind="card")
        for name in ("pm_card_visa", "pm_card_mastercard", "pm_card_unionpay", "pm_card_cn")
    },
    **{
        f"{prefix}{name}": _declined(f"{prefix}{name}", *codes)
        for prefix in ("pm_card_", "pm_card_visa_")
        for name, codes in _DECLINES.items()
    },
    **{
        name: Method(id=name, kind="card", asks_payer=True)
        for name in (
            "pm_card_authenticationRequired",
            "pm_card_threeDSecureRequired",
            "pm_card_threeDSecure2Required",
        )
    },
}

_MESSAGES = {
    "expired_card": "Your card has expired.",
    "incorrect_cvc": "Your card's security code is incorrect.",
    "processing_error": "An error occurred while processing your card. Try again in a little bit.",
    "insufficient_funds": "Your card has insufficient funds.",
}


def decline_message(method: Method) -> str:
    """The sentence Stripe shows for this decline."""
    return _MESSAGES.get(method.decline_code or "", "Your card was declined.")


def chosen_method(params: dict[str, Any], allowed: list[str]) -> Method | None:
    """Read `payment_method` or `payment_method_data[type]`; None where neither is given."""
    name = check.text(params, "payment_method")
    data = params.get("payment_method_data")
    if name is not None:
        method = METHODS.get(name) or _wallet(name)
        if method is None:
            raise Refused(
                f"No such PaymentMethod: '{name}'",
                code="resource_missing",
                param="payment_method",
                executed=False,
            )
    elif data is not None:
        kind = data.get("type") if isinstance(data, dict) else None
        if kind not in ("alipay", "wechat_pay"):
            raise wrong_param(
                "payment_method_data[type]", "This sandbox takes alipay and wechat_pay here."
            )
        method = _wallet(f"pm_sandbox_{kind}")
        assert method is not None
    else:
        return None
    if method.kind not in allowed:
        raise wrong_param(
            "payment_method",
            f"The PaymentMethod is of type {method.kind}, which this PaymentIntent does not allow.",
        )
    return method


def stored_method(name: str) -> Method:
    """The method an intent holds already."""
    method = METHODS.get(name) or _wallet(name)
    assert method is not None
    return method


def _wallet(name: str) -> Method | None:
    kind = name.removeprefix("pm_sandbox_")
    if kind in ("alipay", "wechat_pay") and name != kind:
        return Method(id=name, kind=kind, asks_payer=True)
    return None
