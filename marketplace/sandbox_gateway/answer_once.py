"""Answer a call: who asks, has this key been used, do it, keep the answer. As Stripe does it."""

import asyncio
import base64
import hashlib
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from marketplace.sandbox_gateway.call import Call, new_id
from marketplace.sandbox_gateway.decode_form import decode_form
from marketplace.sandbox_gateway.emit_event import API_VERSION
from marketplace.sandbox_gateway.inject_faults import take_fault
from marketplace.sandbox_gateway.read_objects import expand
from marketplace.sandbox_gateway.refusals import Refused
from marketplace.sandbox_gateway.store import Store

Verb = Callable[[Call], dict[str, Any]]
MAX_BODY_BYTES = 262_144


def answering(store: Store, verb: Verb) -> Callable[[Request], Awaitable[Response]]:
    """Wrap a verb into an HTTP endpoint."""

    async def endpoint(request: Request) -> Response:
        request_id = new_id("req")
        try:
            call = await _read(store, request, request_id)
            if request.method == "POST" and call.idempotency_key:
                status, body, headers = await _once(call, verb, await _fingerprint(request))
            else:
                status, body, headers = *await _execute(call, verb, keyed=False), {}
        except Refused as refused:
            status, body, headers = refused.status, json.dumps(refused.body(), indent=2), {}
        version = request.headers.get("stripe-version", API_VERSION)
        headers = {"Request-Id": request_id, "Stripe-Version": version, **headers}
        key = request.headers.get("idempotency-key")
        if key:
            headers["Idempotency-Key"] = key
        return Response(body, status, headers, media_type="application/json")

    return endpoint


async def _read(store: Store, request: Request, request_id: str) -> Call:
    _authenticate(request.headers.get("authorization", ""))
    account = request.headers.get("stripe-account", "")
    key = request.headers.get("idempotency-key")
    if key is not None and len(key) > 255:
        raise Refused("An idempotency key has at most 255 characters.", executed=False)
    if int(request.headers.get("content-length") or 0) > MAX_BODY_BYTES:
        raise Refused("The request is too large.", status=413, executed=False)
    try:
        text = request.url.query if request.method == "GET" else (await request.body()).decode()
    except UnicodeDecodeError:
        raise Refused("The body is not UTF-8.", executed=False) from None
    params = decode_form(text)
    if account:
        store.find("account", account, status=403, param="Stripe-Account")
    return Call(
        store=store,
        params=params,
        path=dict(request.path_params),
        account=account,
        now=int(time.time()),
        base_url=str(request.base_url).rstrip("/"),
        request_id=request_id,
        idempotency_key=key,
    )


def _authenticate(header: str) -> None:
    scheme, _, key = header.partition(" ")
    if scheme.lower() == "basic":
        try:
            key = base64.b64decode(key).decode().partition(":")[0]
        except ValueError:
            key = ""
    if not key.startswith(("sk_test_", "rk_test_")):
        shown = f"{key[:8]}…" if key else "none"
        raise Refused(
            f"This sandbox takes test keys only (sk_test_…); given: {shown}",
            status=401,
            executed=False,
        )


async def _fingerprint(request: Request) -> str:
    asked = f"{request.method} {request.url.path}\n".encode() + await request.body()
    return hashlib.sha256(asked).hexdigest()


async def _once(call: Call, verb: Verb, fingerprint: str) -> tuple[int, str, dict[str, str]]:
    key = call.idempotency_key
    with call.store.transaction() as connection:
        known = call.store.one(
            "SELECT * FROM idempotency WHERE account = ? AND key = ?", call.account, key
        )
        if known is None:
            connection.execute(
                "INSERT INTO idempotency (account, key, fingerprint) VALUES (?, ?, ?)",
                (call.account, key, fingerprint),
            )
    if known is None:
        return *await _execute(call, verb, keyed=True), {}
    if known["fingerprint"] != fingerprint:
        raise Refused(
            "Keys for idempotent requests can only be used with the same parameters they were"
            f" first used with. Try using a key other than '{key}' if you meant to execute a"
            " different request.",
            kind="idempotency_error",
        )
    if known["status"] is None:
        raise Refused(
            "There is currently another in-progress request using this Idempotent Key (that"
            " probably means you submitted twice, and the other request is still going through):"
            f" {key}. Please try again later.",
            status=409,
            kind="idempotency_error",
            code="idempotency_key_in_use",
        )
    replayed = {"Idempotent-Replayed": "true", "Original-Request": known["request_id"]}
    return known["status"], known["body"], replayed


async def _execute(call: Call, verb: Verb, *, keyed: bool) -> tuple[int, str]:
    """Do it. The change and the answer kept for the key are one transaction."""
    store = call.store
    try:
        await _pass_faults(store, keyed)
        with store.transaction() as connection:
            connection.execute("SAVEPOINT verb")
            keeps_answer = keyed
            try:
                status, answer = 200, expand(call, verb(call))
            except Refused as refused:
                if not refused.keeps_changes:
                    connection.execute("ROLLBACK TO verb")
                status, answer = refused.status, refused.body()
                keeps_answer = keyed and refused.executed
            body = json.dumps(answer, indent=2, ensure_ascii=False)
            if keeps_answer:
                connection.execute(
                    "UPDATE idempotency SET status = ?, body = ?, request_id = ?"
                    " WHERE account = ? AND key = ?",
                    (status, body, call.request_id, call.account, call.idempotency_key),
                )
            lost = take_fault(store, "lost_answer") if keyed else None
    finally:
        # A key whose call kept no answer is free again: nothing happened under it.
        store.connection.execute(
            "DELETE FROM idempotency WHERE account = ? AND key = ? AND status IS NULL",
            (call.account, call.idempotency_key),
        ) if keyed else None
    if lost is not None:
        raise Refused("The answer was lost (simulated).", status=500, kind="api_error")
    return status, body


async def _pass_faults(store: Store, keyed: bool) -> None:
    with store.transaction():
        down = take_fault(store, "unavailable")
        limited = None if down else take_fault(store, "rate_limit")
        slow = take_fault(store, "slow") if keyed else None
    if down is not None:
        raise Refused("Out of order (simulated).", status=503, kind="api_error")
    if limited is not None:
        raise Refused("Too many requests (simulated).", status=429, code="rate_limit")
    if slow is not None:
        await asyncio.sleep(slow["seconds"])
