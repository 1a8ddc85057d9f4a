"""The platform's HTTP face: jobs, capabilities, health, and the sandbox's own switches."""

import hmac
import json
import sqlite3
import time
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from scheduling.platforms.sandbox_server.accept_job import accept_job
from scheduling.platforms.sandbox_server.advance_jobs import cancel_job
from scheduling.platforms.sandbox_server.emit_event import metered
from scheduling.platforms.sandbox_server.inject_faults import (
    clear_faults,
    inject_fault,
    take_fault,
)
from scheduling.platforms.sandbox_server.pace import Pace
from scheduling.platforms.sandbox_server.refusals import PlatformRefusal
from scheduling.platforms.sandbox_server.store import Store

Endpoint = Callable[[Request], Awaitable[Response]]
MAX_BODY_BYTES = 65_536


def platform_app(store: Store, pace: Pace, token: str) -> Starlette:
    """Build the application. Every call but `/healthz` needs `Authorization: Bearer <token>`."""

    async def healthz(request: Request) -> Response:
        store.one("SELECT 1")
        return JSONResponse({"status": "ok"})

    async def capabilities(request: Request) -> Response:
        return JSONResponse(
            {
                "platform": "sandbox",
                "api_version": "v1",
                "simulated": True,
                "can_cancel": True,
                "reports_energy": True,
                "seconds_per_hour": str(pace.seconds_per_hour),
            }
        )

    async def dispatch(request: Request) -> Response:
        job, already = accept_job(store, pace, await _body(request), now_s=time.time())
        with store.transaction():
            lost = take_fault(store, "lost_ack", lease_id=job["lease_id"])
        if lost is not None:
            raise PlatformRefusal(503, "lost_ack", "The answer was lost on the way (simulated).")
        return JSONResponse(
            {**_job(job), "already_started": already}, status_code=200 if already else 201
        )

    async def status(request: Request) -> Response:
        job = store.one("SELECT * FROM job WHERE ref = ?", request.path_params["ref"])
        if job is None:
            raise PlatformRefusal(404, "not_found", "There is no such job.")
        return JSONResponse(_job(job))

    async def cancel(request: Request) -> Response:
        job = cancel_job(store, pace, request.path_params["ref"], now_s=time.time())
        return JSONResponse(_job(job))

    async def faults(request: Request) -> Response:
        if request.method == "DELETE":
            clear_faults(store, now_s=time.time())
            return Response(status_code=204)
        return JSONResponse(inject_fault(store, await _body(request)), status_code=201)

    async def state(request: Request) -> Response:
        return JSONResponse(_state(store))

    def guarded(endpoint: Endpoint, *, faulty: bool = True) -> Endpoint:
        async def answer(request: Request) -> Response:
            offered = request.headers.get("authorization", "").encode()
            if not hmac.compare_digest(offered, f"Bearer {token}".encode()):
                return PlatformRefusal(
                    401, "unauthorized", "A valid bearer token is expected."
                ).response()
            try:
                if faulty:
                    with store.transaction():
                        down = take_fault(store, "unavailable")
                    if down is not None:
                        raise PlatformRefusal(503, "unavailable", "Out of order (simulated).")
                return await endpoint(request)
            except PlatformRefusal as refusal:
                return refusal.response()

        return answer

    return Starlette(
        routes=[
            Route("/healthz", healthz),
            Route("/v1/capabilities", guarded(capabilities)),
            Route("/v1/jobs", guarded(dispatch), methods=["POST"]),
            Route("/v1/jobs/{ref}", guarded(status)),
            Route("/v1/jobs/{ref}/cancel", guarded(cancel), methods=["POST"]),
            Route("/sandbox/faults", guarded(faults, faulty=False), methods=["POST", "DELETE"]),
            Route("/sandbox/state", guarded(state, faulty=False)),
        ]
    )


async def _body(request: Request) -> Any:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise PlatformRefusal(413, "body_too_large", "At most 64 KiB are read.")
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise PlatformRefusal(400, "malformed_body", "JSON is expected.") from None


def _job(job: sqlite3.Row) -> dict[str, Any]:
    return {
        "ref": job["ref"],
        "lease_id": job["lease_id"],
        "state": job["state"],
        "reason": job["reason"],
        "started_at": job["started_at"],
        "ended_at": job["ended_at"],
        **metered(json.loads(job["request"]), Decimal(job["done_hours"])),
    }


def _state(store: Store) -> dict[str, Any]:
    jobs = store.all("SELECT state, count(*) AS jobs FROM job GROUP BY state ORDER BY state")
    callbacks = store.one(
        "SELECT count(*) AS total, coalesce(sum(delivered_s IS NOT NULL), 0) AS delivered,"
        " coalesce(sum(held), 0) AS held, coalesce(sum(gave_up), 0) AS gave_up,"
        " coalesce(sum(attempts), 0) AS attempts FROM callback"
    )
    faults = store.all("SELECT kind, lease_id, remaining FROM fault WHERE remaining > 0")
    assert callbacks is not None
    return {
        "jobs": {row["state"]: row["jobs"] for row in jobs},
        "callbacks": dict(callbacks),
        "faults": [dict(row) for row in faults],
    }
