"""Stripe's addresses, as far as we use them, and the sandbox's own switches."""

import json
import time
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from marketplace.sandbox_gateway import accounts, payment_intents, payouts, refunds, transfers
from marketplace.sandbox_gateway.answer_once import Verb, answering
from marketplace.sandbox_gateway.authorize_page import show_or_answer
from marketplace.sandbox_gateway.inject_faults import clear_faults, inject_fault
from marketplace.sandbox_gateway.read_objects import page, retrieve
from marketplace.sandbox_gateway.refusals import Refused
from marketplace.sandbox_gateway.store import Store

READABLE = {
    "payment_intents": "payment_intent",
    "charges": "charge",
    "refunds": "refund",
    "accounts": "account",
    "transfers": "transfer",
    "payouts": "payout",
    "events": "event",
}
CREATED: dict[str, Verb] = {
    "payment_intents": payment_intents.create,
    "refunds": refunds.create,
    "accounts": accounts.create,
    "transfers": transfers.create,
    "payouts": payouts.create,
}
CHANGED: dict[str, Verb] = {
    "payment_intents/{id}/confirm": payment_intents.confirm,
    "payment_intents/{id}/capture": payment_intents.capture,
    "payment_intents/{id}/cancel": payment_intents.cancel,
    "transfers/{id}/reversals": transfers.reverse,
    "payouts/{id}/cancel": payouts.cancel,
}


def gateway_app(store: Store) -> Starlette:
    """Build the application."""
    routes = [Route("/v1/balance", answering(store, accounts.balance))]
    for name, verb in (CREATED | CHANGED).items():
        routes.append(Route(f"/v1/{name}", answering(store, verb), methods=["POST"]))
    for name, kind in READABLE.items():
        routes.append(Route(f"/v1/{name}", answering(store, page(kind, f"/v1/{name}"))))
        routes.append(Route(f"/v1/{name}/{{id}}", answering(store, retrieve(kind))))

    async def faults(request: Request) -> Response:
        if request.method == "DELETE":
            clear_faults(store, now_s=time.time())
            return Response(status_code=204)
        try:
            order = json.loads(await request.body())
            return JSONResponse(inject_fault(store, order), status_code=201)
        except ValueError:
            return JSONResponse({"error": {"message": "JSON is expected."}}, status_code=400)
        except Refused as refused:
            return JSONResponse(refused.body(), status_code=refused.status)

    async def state(request: Request) -> Response:
        return JSONResponse(_state(store))

    async def authorize(request: Request) -> Response:
        return await show_or_answer(store, request)

    async def healthz(request: Request) -> Response:
        store.one("SELECT 1")
        return JSONResponse({"status": "ok"})

    async def unknown(request: Request) -> Response:
        message = f"Unrecognized request URL ({request.method}: {request.url.path})."
        error = {"type": "invalid_request_error", "message": message}
        return JSONResponse({"error": error}, status_code=404)

    return Starlette(
        routes=[
            *routes,
            Route("/healthz", healthz),
            Route("/sandbox/faults", faults, methods=["POST", "DELETE"]),
            Route("/sandbox/state", state),
            Route("/sandbox/authorize/{id}", authorize, methods=["GET", "POST"]),
            Route("/{path:path}", unknown, methods=["GET", "POST", "DELETE"]),
        ]
    )


def _state(store: Store) -> dict[str, Any]:
    objects = store.all("SELECT kind, count(*) AS n FROM object GROUP BY kind ORDER BY kind")
    balances = store.all("SELECT account, sum(amount) AS fen FROM entry GROUP BY account")
    webhooks = store.one(
        "SELECT count(*) AS total, coalesce(sum(delivered_s IS NOT NULL), 0) AS delivered,"
        " coalesce(sum(held), 0) AS held, coalesce(sum(gave_up), 0) AS gave_up,"
        " coalesce(sum(attempts), 0) AS attempts FROM delivery"
    )
    faults = store.all("SELECT kind, remaining, seconds FROM fault WHERE remaining > 0")
    assert webhooks is not None
    return {
        "objects": {row["kind"]: row["n"] for row in objects},
        "balances_fen": {row["account"] or "platform": row["fen"] for row in balances},
        "webhooks": dict(webhooks),
        "faults": [dict(row) for row in faults],
    }
