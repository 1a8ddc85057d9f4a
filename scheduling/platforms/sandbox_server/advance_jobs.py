"""Move jobs along the compressed clock: QUEUED → INITIALIZING → RUNNING → an end."""

import asyncio
import json
import sqlite3
import time
from decimal import Decimal

from scheduling.platforms.sandbox_server.emit_event import emit_state, emit_usage, job_time
from scheduling.platforms.sandbox_server.pace import Pace
from scheduling.platforms.sandbox_server.refusals import PlatformRefusal
from scheduling.platforms.sandbox_server.store import Store

HOUR_STEP = Decimal("0.0001")
REASONS = {
    "EXECUTOR_ERROR": "the program ended with an error (simulated)",
    "SYSTEM_ERROR": "a node failed (simulated)",
    "PREEMPTED": "the capacity was taken back (simulated)",
}


async def advance_forever(store: Store, pace: Pace) -> None:
    """Do every due step, then look again every 20 ms."""
    while True:
        if not advance_due_jobs(store, pace, now_s=time.time()):
            await asyncio.sleep(0.02)
        await asyncio.sleep(0)


def advance_due_jobs(store: Store, pace: Pace, *, now_s: float) -> int:
    """Move each job that is due by one step; returns how many moved."""
    due = store.all(
        "SELECT ref FROM job WHERE next_step_s <= ? ORDER BY next_step_s LIMIT 200", now_s
    )
    for row in due:
        with store.transaction():
            job = _job(store, row["ref"])
            if job["state"] == "QUEUED":
                due_s = job["next_step_s"] + pace.initialize_seconds
                _enter(store, job, "INITIALIZING", due_s, now_s)
            elif job["state"] == "INITIALIZING":
                _start(store, pace, job, now_s)
            else:
                _run(store, pace, job, now_s)
    return len(due)


def cancel_job(store: Store, pace: Pace, ref: str, *, now_s: float) -> sqlite3.Row:
    """End a job early, with what its meter has counted. An ended job stays as it ended.

    Raises PlatformRefusal 404 `not_found`.
    """
    with store.transaction():
        job = _job(store, ref)
        if job["next_step_s"] is not None:
            if job["state"] == "RUNNING":
                passed = Decimal((now_s - job["running_since_s"]) / pace.seconds_per_hour)
                done = max(min(passed, _end_hours(job)), Decimal(0)).quantize(HOUR_STEP)
                _meter(store, job, max(done, Decimal(job["done_hours"])), now_s)
            _end(store, _job(store, ref), "CANCELED", "canceled by the caller", now_s)
        return _job(store, ref)


def _start(store: Store, pace: Pace, job: sqlite3.Row, now_s: float) -> None:
    # Steps are timed from the plan, not from when this loop got to them: a late loop catches up.
    since_s = job["next_step_s"]
    store.connection.execute(
        "UPDATE job SET running_since_s = ?, started_at = ? WHERE ref = ?",
        (since_s, job_time(json.loads(job["request"]), Decimal(0)), job["ref"]),
    )
    started = _job(store, job["ref"])
    due_s = _boundary_s(pace, started, _next_boundary(pace, started))
    _enter(store, started, "RUNNING", due_s, now_s)


def _run(store: Store, pace: Pace, job: sqlite3.Row, now_s: float) -> None:
    boundary = _next_boundary(pace, job)
    _meter(store, job, boundary, now_s)
    job = _job(store, job["ref"])
    if boundary < _end_hours(job):
        store.connection.execute(
            "UPDATE job SET next_step_s = ? WHERE ref = ?",
            (_boundary_s(pace, job, _next_boundary(pace, job)), job["ref"]),
        )
        return
    state = json.loads(job["planned_end"])["state"] if job["planned_end"] else "COMPLETE"
    _end(store, job, state, REASONS.get(state, ""), now_s)


def _enter(store: Store, job: sqlite3.Row, state: str, next_step_s: float, now_s: float) -> None:
    store.connection.execute(
        "UPDATE job SET state = ?, next_step_s = ? WHERE ref = ?", (state, next_step_s, job["ref"])
    )
    emit_state(store, job["ref"], state, now_s=now_s)


def _meter(store: Store, job: sqlite3.Row, until: Decimal, now_s: float) -> None:
    done = Decimal(job["done_hours"])
    if until <= done:
        return
    store.connection.execute(
        "UPDATE job SET done_hours = ? WHERE ref = ?", (format(until, "f"), job["ref"])
    )
    emit_usage(store, job["ref"], start=done, end=until, now_s=now_s)


def _end(store: Store, job: sqlite3.Row, state: str, reason: str, now_s: float) -> None:
    ended_at = job_time(json.loads(job["request"]), Decimal(job["done_hours"]))
    store.connection.execute(
        "UPDATE job SET state = ?, reason = ?, ended_at = ?, next_step_s = NULL WHERE ref = ?",
        (state, reason, ended_at, job["ref"]),
    )
    emit_state(store, job["ref"], state, reason=reason, now_s=now_s)


def _end_hours(job: sqlite3.Row) -> Decimal:
    duration = Decimal(json.loads(job["request"])["duration_hours"])
    if not job["planned_end"]:
        return duration
    fraction = Decimal(json.loads(job["planned_end"])["after_fraction"])
    return (duration * fraction).quantize(HOUR_STEP)


def _next_boundary(pace: Pace, job: sqlite3.Row) -> Decimal:
    return min(Decimal(job["done_hours"]) + pace.usage_interval_hours, _end_hours(job))


def _boundary_s(pace: Pace, job: sqlite3.Row, hours: Decimal) -> float:
    return float(job["running_since_s"]) + float(hours) * pace.seconds_per_hour


def _job(store: Store, ref: str) -> sqlite3.Row:
    job = store.one("SELECT * FROM job WHERE ref = ?", ref)
    if job is None:
        raise PlatformRefusal(404, "not_found", "There is no such job.")
    return job
