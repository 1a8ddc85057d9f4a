"""Deliver signed callbacks until each is answered with 2xx (Standard Webhooks)."""

import asyncio
import sqlite3
import time
from collections import defaultdict
from datetime import UTC, datetime

import httpx
from standardwebhooks import Webhook

from scheduling.platforms.sandbox_server.pace import Pace
from scheduling.platforms.sandbox_server.store import Store

JOBS_AT_ONCE = 8
WRONG_KEY = b"a key that nobody shares with the platform"


async def deliver_forever(store: Store, pace: Pace, secret: str) -> None:
    """Deliver what is due, jobs side by side, the events of one job one after another."""
    limits = httpx.Limits(max_connections=JOBS_AT_ONCE)
    async with httpx.AsyncClient(
        timeout=pace.callback_timeout_seconds, limits=limits, trust_env=False
    ) as client:
        while True:
            due = store.all(
                "SELECT * FROM callback WHERE delivered_s IS NULL AND held = 0 AND gave_up = 0"
                " AND due_s <= ? ORDER BY due_s, number LIMIT 200",
                time.time(),
            )
            jobs: defaultdict[str, list[sqlite3.Row]] = defaultdict(list)
            for callback in due:
                jobs[callback["ref"]].append(callback)
            turn = asyncio.Semaphore(JOBS_AT_ONCE)
            await asyncio.gather(
                *(
                    _deliver_in_order(client, store, pace, secret, turn, job)
                    for job in jobs.values()
                )
            )
            if not due:
                await asyncio.sleep(0.02)


async def _deliver_in_order(
    client: httpx.AsyncClient,
    store: Store,
    pace: Pace,
    secret: str,
    turn: asyncio.Semaphore,
    callbacks: list[sqlite3.Row],
) -> None:
    async with turn:
        for callback in callbacks:
            answer = await _send(client, secret, callback)
            _note(store, pace, callback, answer)


async def _send(client: httpx.AsyncClient, secret: str, callback: sqlite3.Row) -> str:
    forged = callback["forged"] and callback["attempts"] == 0
    signer = Webhook(WRONG_KEY) if forged else Webhook(secret)
    signed_at = datetime.now(UTC)
    headers = {
        "content-type": "application/cloudevents+json; charset=utf-8",
        "webhook-id": callback["event_id"],
        "webhook-timestamp": str(int(signed_at.timestamp())),
        "webhook-signature": signer.sign(callback["event_id"], signed_at, callback["body"]),
    }
    try:
        response = await client.post(callback["url"], content=callback["body"], headers=headers)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return type(error).__name__
    return str(response.status_code)


def _note(store: Store, pace: Pace, callback: sqlite3.Row, answer: str) -> None:
    attempts = callback["attempts"] + 1
    delivered = len(answer) == 3 and answer.startswith("2")
    now_s = time.time()
    with store.transaction() as connection:
        connection.execute(
            "UPDATE callback SET attempts = ?, last_answer = ?, delivered_s = ?, due_s = ?,"
            " gave_up = ? WHERE number = ?",
            (
                attempts,
                answer,
                now_s if delivered else None,
                now_s + pace.backoff(attempts),
                not delivered and attempts >= pace.max_attempts,
                callback["number"],
            ),
        )
