"""Deliver signed events one after another, each until it is answered with 2xx."""

import asyncio
import hashlib
import hmac
import sqlite3
import time
from dataclasses import dataclass, field

import httpx

from marketplace.sandbox_gateway.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookTarget:
    """Where events go. Retries wait `backoff_seconds`, doubled each time up to the cap."""

    url: str
    secret: str = field(repr=False)
    backoff_seconds: float = 0.2
    backoff_cap_seconds: float = 5.0
    max_attempts: int = 400
    timeout_seconds: float = 10.0


async def deliver_forever(store: Store, target: WebhookTarget) -> None:
    """Deliver what is due; without a target address events are kept and nothing is sent."""
    async with httpx.AsyncClient(timeout=target.timeout_seconds, trust_env=False) as client:
        while True:
            due = store.all(
                "SELECT * FROM delivery WHERE delivered_s IS NULL AND held = 0 AND gave_up = 0"
                " AND due_s <= ? ORDER BY due_s, number LIMIT 100",
                time.time(),
            )
            for delivery in due if target.url else ():
                _note(store, target, delivery, await _send(client, target, delivery))
            if not due or not target.url:
                await asyncio.sleep(0.02)


def signature_header(secret: str, body: str, signed_at: int) -> str:
    """`Stripe-Signature`: HMAC-SHA256 over the second and the body."""
    signed = f"{signed_at}.{body}".encode()
    return f"t={signed_at},v1={hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()}"


async def _send(client: httpx.AsyncClient, target: WebhookTarget, delivery: sqlite3.Row) -> str:
    forged = delivery["forged"] and delivery["attempts"] == 0
    secret = "a secret nobody shares" if forged else target.secret
    headers = {
        "content-type": "application/json; charset=utf-8",
        "user-agent": "suanquan-sandbox-gateway",
        "stripe-signature": signature_header(secret, delivery["body"], int(time.time())),
    }
    try:
        response = await client.post(target.url, content=delivery["body"], headers=headers)
    except httpx.HTTPError as error:
        return type(error).__name__
    return str(response.status_code)


def _note(store: Store, target: WebhookTarget, delivery: sqlite3.Row, answer: str) -> None:
    attempts = delivery["attempts"] + 1
    delivered = len(answer) == 3 and answer.startswith("2")
    wait = min(target.backoff_seconds * 2 ** min(attempts - 1, 20), target.backoff_cap_seconds)
    with store.transaction() as connection:
        connection.execute(
            "UPDATE delivery SET attempts = ?, last_answer = ?, delivered_s = ?, due_s = ?,"
            " gave_up = ? WHERE number = ?",
            (
                attempts,
                answer,
                time.time() if delivered else None,
                time.time() + wait,
                not delivered and attempts >= target.max_attempts,
                delivery["number"],
            ),
        )
