"""The ASGI door: ordinary claims to the batcher, everything else to Django."""

import asyncio
import gc
import json
import re
import time
from collections.abc import Awaitable, Callable, MutableMapping
from datetime import datetime
from typing import Any

from audit.decisions import Refusal
from ledger.money import is_amount
from marketplace.lane import replies
from marketplace.lane.batcher import Batcher, LaneFull
from marketplace.lane.database import LaneConnection, NothingDone, OutcomeUnknown
from vouchers.claiming.claim_batch import LONGEST_KEY, AskedClaim
from vouchers.claiming.claim_token import read_token

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Any, Any, Any], Awaitable[None]]

CLAIMS = re.compile(r"/api/v1/claim-windows/([0-9]{1,18})/claims")
LARGEST_BODY = 4096


class DatabaseClock:
    """The database's time without asking it: its last instant and what has passed since.

    Only the monotonic clock of this host is used; its wall clock may be wrong or step.
    """

    def __init__(self) -> None:
        self._ahead: float | None = None

    def seen(self, instant: datetime) -> None:
        """The database said `instant` just now."""
        self._ahead = instant.timestamp() - time.monotonic()

    def now(self) -> float | None:
        """Epoch seconds; None before the database was ever heard."""
        return None if self._ahead is None else time.monotonic() + self._ahead


class ClaimLane:
    """Wraps Django's ASGI application. One instance a process."""

    def __init__(self, django: Application) -> None:
        self._django = django
        self._clock = DatabaseClock()
        self._batchers: dict[int, Batcher] = {}

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        found = CLAIMS.fullmatch(scope["path"]) if scope["type"] == "http" else None
        if found is None or scope["method"] != "POST":
            await self._django(scope, receive, send)
            return
        body, more = await _read(receive)
        claim = None if more else await self._ordinary(int(found[1]), scope["headers"], body)
        if claim is None:
            await self._django(scope, _again(body, more, receive), send)
            return
        reply = await self._reply(int(found[1]), claim, scope["headers"])
        length = (b"content-length", str(len(reply.body)).encode())
        await send(
            {
                "type": "http.response.start",
                "status": reply.status,
                "headers": [*reply.headers, length],
            }
        )
        await send({"type": "http.response.body", "body": reply.body})

    async def _ordinary(
        self, window_id: int, headers: list[tuple[bytes, bytes]], body: bytes
    ) -> AskedClaim | None:
        """The claim, if all about it is in order; else Django explains what is not."""
        given = {name: value for name, value in headers if name in (b"authorization", KEY)}
        now = self._clock.now() or await self._ask_clock()
        key = given.get(KEY, b"").decode("latin-1")
        if now is None or not 1 <= len(key) <= LONGEST_KEY:
            return None
        asks, amount_fen = _amount_of(body, headers)
        if not asks:
            return None
        try:
            token = read_token(
                given.get(b"authorization", b"").decode("latin-1"), window_id=window_id, now=now
            )
        except Refusal:
            return None
        return AskedClaim(token.enterprise_id, token.person_id, key, amount_fen)

    async def _reply(
        self, window_id: int, claim: AskedClaim, headers: list[tuple[bytes, bytes]]
    ) -> replies.Reply:
        batcher = self._batchers.get(window_id)
        if batcher is None:
            batcher = Batcher(window_id, seen_clock=self._clock.seen)
            self._batchers[window_id] = batcher
        try:
            result = await batcher.submit(claim)
        except LaneFull:
            return replies.too_many(_language(headers))
        except NothingDone:
            return replies.not_recorded(_language(headers))
        except OutcomeUnknown:
            return replies.outcome_unknown(_language(headers))
        if isinstance(result, Refusal):
            return replies.refused(result, _language(headers))
        return replies.answered(result)

    async def _ask_clock(self) -> float | None:
        connection = LaneConnection()
        try:
            self._clock.seen(await connection.clock())
        except NothingDone:
            return None
        finally:
            await connection.close()
        return self._clock.now()

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await self._ask_clock()
                # What was loaded by now stays: the collector need not walk it amid a rush.
                gc.collect()
                gc.freeze()
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                await asyncio.gather(*(batcher.drain() for batcher in self._batchers.values()))
                await send({"type": "lifespan.shutdown.complete"})
                return


KEY = b"idempotency-key"
JSON_TYPE = re.compile(rb"application/json(;|$)")


def _amount_of(body: bytes, headers: list[tuple[bytes, bytes]]) -> tuple[bool, int | None]:
    """(whether this is an ordinary claim, the amount it asks for): ClaimRequest's rules, met."""
    if not body:
        return True, None
    if not any(name == b"content-type" and JSON_TYPE.match(value) for name, value in headers):
        return False, None
    if body == b"{}":
        return True, None
    try:
        given = json.loads(body)
    except ValueError:
        return False, None
    if not isinstance(given, dict) or not is_amount(given.get("amount_fen")):
        return False, None
    return True, given["amount_fen"]


def _language(headers: list[tuple[bytes, bytes]]) -> str:
    given = dict(headers)
    return replies.language_of(
        given.get(b"accept-language", b"").decode("latin-1"),
        given.get(b"cookie", b"").decode("latin-1"),
    )


async def _read(receive: Receive) -> tuple[bytes, bool]:
    """The body, and whether there is more of it than a claim has."""
    body, more = b"", True
    while more and len(body) <= LARGEST_BODY:
        message = await receive()
        if message["type"] != "http.request":
            return body, False
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body, more


def _again(body: bytes, more: bool, receive: Receive) -> Receive:
    """`receive` once more from the beginning, for the application behind us."""
    read: list[Message] = [{"type": "http.request", "body": body, "more_body": more}]

    async def once_more() -> Message:
        return read.pop() if read else await receive()

    return once_more
