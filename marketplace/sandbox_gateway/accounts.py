"""Connected accounts. Onboarding is skipped: what is asked for is active at once."""

from typing import Any

from marketplace.sandbox_gateway import check_params as check
from marketplace.sandbox_gateway.call import Call, new_id
from marketplace.sandbox_gateway.emit_event import emit
from marketplace.sandbox_gateway.refusals import wrong_param

ALLOWED = (
    "type",
    "country",
    "email",
    "business_type",
    "business_profile",
    "company",
    "capabilities",
    "metadata",
)


def create(call: Call) -> dict[str, Any]:
    """POST /v1/accounts"""
    check.only(call.params, ALLOWED)
    wanted = call.params.get("capabilities") or {}
    profile = call.params.get("business_profile") or {}
    company = call.params.get("company") or {}
    for name, value in (
        ("capabilities", wanted),
        ("business_profile", profile),
        ("company", company),
    ):
        if not isinstance(value, dict):
            raise wrong_param(name, "Invalid hash")
    account = {
        "id": new_id("acct"),
        "object": "account",
        "business_profile": profile,
        "business_type": check.text(call.params, "business_type"),
        "capabilities": dict.fromkeys(wanted, "active"),
        "charges_enabled": True,
        "company": company,
        "country": check.text(call.params, "country") or "CN",
        "created": call.now,
        "default_currency": "cny",
        "details_submitted": True,
        "email": check.text(call.params, "email"),
        "livemode": False,
        "metadata": check.metadata(call.params),
        "payouts_enabled": True,
        "type": check.choice(call.params, "type", ("custom", "express", "standard"), "standard"),
    }
    call.store.keep(account, call.account)
    emit(call, "account.updated", account)
    return account


def balance(call: Call) -> dict[str, Any]:
    """GET /v1/balance. Money taken is available at once, and there are no fees."""
    available = {"amount": call.store.balance(call.account), "currency": "cny"}
    pending = {"amount": 0, "currency": "cny"}
    return {"object": "balance", "available": [available], "livemode": False, "pending": [pending]}
