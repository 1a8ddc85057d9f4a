"""The two doors of a claim: DRF by Django's test client, the lane by a direct ASGI call."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.test import Client

from marketplace.asgi import django_application
from marketplace.lane.app import ClaimLane


@dataclass(frozen=True)
class Knock:
    """A claim's request. `token` None: no Authorization header."""

    window: int
    token: str | None
    key: str | None = "key"
    body: bytes = b""
    content_type: str = "application/json"
    language: str = "en"

    @property
    def path(self) -> str:
        return f"/api/v1/claim-windows/{self.window}/claims"

    @property
    def headers(self) -> dict[str, str]:
        given = {"Accept-Language": self.language}
        if self.token is not None:
            given["Authorization"] = f"Claim {self.token}"
        if self.key is not None:
            given["Idempotency-Key"] = self.key
        return given


@dataclass(frozen=True)
class Heard:
    """What came back; headers in lower case."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: Any

    @property
    def essence(self) -> tuple[Any, ...]:
        """All but what differs by nature: ids and instants."""
        body = self.body
        if isinstance(body, dict):
            body = {
                name: value
                for name, value in body.items()
                if name not in ("id", "window", "arrived_at")
            }
        kept = ("content-type", "retry-after", "idempotent-replayed")
        return self.status, {name: self.headers.get(name) for name in kept}, body


def through_drf(knocks: Sequence[Knock]) -> list[Heard]:
    """One after the other through Django's WSGI stack."""
    client = Client(SERVER_NAME="localhost")
    heard = []
    for knock in knocks:
        answer = client.post(
            knock.path, knock.body, content_type=knock.content_type, headers=knock.headers
        )
        headers = {name.lower(): value for name, value in answer.headers.items()}
        heard.append(Heard(answer.status_code, headers, json.loads(answer.content)))
    return heard


def through_lane(knocks: Sequence[Knock], *, at_once: bool = False) -> list[Heard]:
    """Through a new lane in an event loop of its own; one after the other unless `at_once`."""

    async def go() -> list[Heard]:
        lane = ClaimLane(django_application)
        if at_once:
            heard = list(await asyncio.gather(*(knock_at(lane, knock) for knock in knocks)))
        else:
            heard = [await knock_at(lane, knock) for knock in knocks]
        await stop(lane)
        return heard

    return asyncio.run(go())


async def stop(lane: ClaimLane) -> None:
    """The server shuts down."""
    messages = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])

    async def receive() -> Any:
        return next(messages)

    async def send(_message: Any) -> None:
        return None

    await lane({"type": "lifespan"}, receive, send)


async def knock_at(lane: ClaimLane, knock: Knock) -> Heard:
    """One request at `lane`."""
    headers = {**knock.headers, "Content-Type": knock.content_type, "Host": "localhost"}
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": knock.path,
        "raw_path": knock.path.encode(),
        "root_path": "",
        "query_string": b"",
        "server": ("localhost", 80),
        "client": ("127.0.0.1", 1),
        "headers": [
            *((name.lower().encode(), value.encode()) for name, value in headers.items()),
            (b"content-length", str(len(knock.body)).encode()),
        ],
    }
    said: list[Any] = []
    asked = False

    async def receive() -> Any:
        nonlocal asked
        if asked:
            await asyncio.Event().wait()
        asked = True
        return {"type": "http.request", "body": knock.body, "more_body": False}

    async def send(message: Any) -> None:
        said.append(message)

    await lane(scope, receive, send)
    body = b"".join(message.get("body", b"") for message in said[1:])
    headers_back = {name.decode().lower(): value.decode() for name, value in said[0]["headers"]}
    return Heard(said[0]["status"], headers_back, json.loads(body))
