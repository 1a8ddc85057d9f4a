"""The page a bank or wallet would show: the payer agrees or declines."""

import html
import time
from typing import Any
from urllib.parse import parse_qs, quote, urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from marketplace.sandbox_gateway.call import Call, new_id
from marketplace.sandbox_gateway.charge_payment import decline, take_payment
from marketplace.sandbox_gateway.refusals import Refused
from marketplace.sandbox_gateway.store import Store

OUTCOMES = {"succeed": "succeeded", "fail": "failed"}
PAGE = """<!doctype html><html lang="zh-CN"><meta charset="utf-8"><title>沙箱支付 Sandbox</title>
<body style="font-family:sans-serif;max-width:32rem;margin:4rem auto">
<h1>沙箱支付 <small>Sandbox payment</small></h1>
<p>不发生真实资金往来。No money moves here.</p><p><b>¥{amount}</b> · {name}</p>
<form method="post"><button name="outcome" value="succeed">同意支付 Pay</button>
<button name="outcome" value="fail">拒绝 Decline</button></form></body></html>"""


async def show_or_answer(store: Store, request: Request) -> Response:
    """GET shows the page; POST `outcome=succeed|fail` acts as the payer.

    Anyone who knows the intent's id may answer, as anyone who holds the phone might.
    """
    row = store.one(
        "SELECT account FROM object WHERE id = ? AND kind = 'payment_intent'",
        request.path_params["id"],
    )
    if row is None:
        return HTMLResponse("No such payment.", 404)
    intent = store.find("payment_intent", request.path_params["id"], row["account"])
    if request.method == "GET":
        shown = PAGE.format(amount=f"{intent['amount'] / 100:,.2f}", name=html.escape(intent["id"]))
        return HTMLResponse(shown)
    fields = parse_qs((await request.body()).decode())
    outcome = fields.get("outcome", [""])[0]
    if outcome not in OUTCOMES:
        return JSONResponse({"error": "outcome is succeed or fail"}, 400)
    call = Call(
        store=store,
        params={},
        path={},
        account=row["account"],
        now=int(time.time()),
        base_url=str(request.base_url).rstrip("/"),
        request_id=new_id("req"),
        idempotency_key=None,
    )
    return _answer(call, intent["id"], outcome)


def _answer(call: Call, name: str, outcome: str) -> Response:
    with call.store.transaction():
        intent = call.store.find("payment_intent", name, call.account)
        if intent["status"] != "requires_action":
            return JSONResponse({"error": f"the payment is {intent['status']}"}, 409)
        return_url = _return_url(intent)
        if outcome == "succeed":
            take_payment(call, intent)
        else:
            _decline(call, intent)
    if return_url is None:
        return JSONResponse({"id": name, "status": intent["status"]})
    told = {"payment_intent": name, "redirect_status": OUTCOMES[outcome]}
    joint = "&" if "?" in return_url else "?"
    return RedirectResponse(quote(return_url, safe=":/?&=%#") + joint + urlencode(told), 303)


def _decline(call: Call, intent: dict[str, Any]) -> Refused:
    return decline(
        call,
        intent,
        message="The payer did not authorize the payment.",
        code="payment_intent_authentication_failure",
        decline_code=None,
    )


def _return_url(intent: dict[str, Any]) -> str | None:
    action = intent["next_action"] or {}
    url: str | None = action.get(action.get("type"), {}).get("return_url")
    return url
