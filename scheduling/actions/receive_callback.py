"""A platform tells us something: store it by its id, then apply what is next in order."""

import json
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from audit.actions.record import record
from audit.decisions import SYSTEM, NotFound
from scheduling.actions.release_allocation import release_allocation
from scheduling.models import (
    Allocation,
    Job,
    Platform,
    PlatformCallback,
    UsageRecord,
    Workload,
)
from scheduling.platforms.connectors.contract import CallbackEvent, JobStateChanged
from scheduling.platforms.connectors.read_callback import read_event

CLOCK_TOLERANCE = timedelta(minutes=5)
MEASUREMENT_TOLERANCE = Decimal("1.001")
# What the platform lost is offered again; what the program broke or its owner ended is not.
AFTER_FAILURE: dict[str, str] = {
    Job.State.SYSTEM_ERROR: "submitted",
    Job.State.PREEMPTED: "submitted",
    Job.State.EXECUTOR_ERROR: "failed",
    Job.State.CANCELED: "cancelled",
}


@transaction.atomic
def receive_callback(*, platform: Platform, event: CallbackEvent, body: Any, at: datetime) -> bool:
    """Store `event` and apply every stored event that is next in its job's sequence.

    Returns False for one that was stored before. An event that came before its predecessors waits
    in the inbox until they arrive. Raises NotFound for a lease that is not the platform's.
    """
    job = Job.objects.select_for_update().filter(lease_id=event.lease_id, platform=platform).first()
    if job is None:
        raise NotFound(thing="lease")
    try:
        with transaction.atomic():
            PlatformCallback.objects.create(
                source=event.source,
                event_id=event.event_id,
                job=job,
                sequence=event.sequence,
                body=body,
                received_at=at,
            )
    except IntegrityError:
        return False
    waiting = job.callbacks.filter(sequence__gt=job.sequence).order_by("sequence")
    for stored in waiting:
        if stored.sequence != job.sequence + 1:
            break
        _apply(job, read_event(json.dumps(stored.body).encode()), at)
    return True


def _apply(job: Job, event: CallbackEvent, at: datetime) -> None:
    if isinstance(event, JobStateChanged):
        _change_state(job, event, at)
    else:
        _record_usage(job, event, at)
    job.sequence = event.sequence
    job.simulated = event.simulated
    job.save(update_fields=["sequence", "simulated"])


def _change_state(job: Job, event: JobStateChanged, at: datetime) -> None:
    if job.state in Job.FINAL or job.state == event.state:
        return
    job.state = event.state.value
    job.reason = event.reason
    job.save(update_fields=["state", "reason"])
    if job.state not in Job.FINAL:
        return
    allocation = Allocation.objects.select_related("placement").get(pk=job.allocation_id)
    if job.state == Job.State.COMPLETE:
        standing = Allocation.objects.filter(pk=allocation.pk, state="active")
        if standing.update(state="completed"):
            Workload.objects.filter(
                pk=allocation.placement.workload_id, state__in=["accepted", "running"]
            ).update(state="completed")
    else:
        # One that was given back before (a lapsed hold, a closed pool) has been dealt with: by now
        # its workload may stand on another allocation.
        release_allocation(
            allocation=allocation,
            actor=SYSTEM,
            at=at,
            reason=job.state,
            then=AFTER_FAILURE[job.state],
        )
    record(
        "job.completed" if job.state == Job.State.COMPLETE else "job.failed",
        subject=job,
        actor=SYSTEM,
        at=at,
        data={"state": job.state, "reason": job.reason, "placement_id": allocation.placement_id},
    )


def _record_usage(job: Job, event: Any, at: datetime) -> None:
    reason = _doubt(job, event, at)
    if not reason:
        try:
            with transaction.atomic():
                _write_usage(job, event, "")
        except IntegrityError:
            reason = "overlaps_an_accepted_interval"
    if reason:
        _write_usage(job, event, reason)
    record(
        "usage.quarantined" if reason else "usage.accepted",
        subject=job,
        actor=SYSTEM,
        at=at,
        data={
            "event_id": event.event_id,
            "accelerator_hours": event.accelerator_hours,
            "energy_kwh": event.energy_kwh,
            "reason": reason,
        },
    )


def _doubt(job: Job, event: Any, at: datetime) -> str:
    """Why this usage cannot be believed as it stands; empty when it can."""
    length = event.ends_at - event.starts_at
    if length <= timedelta(0):
        return "empty_interval"
    most = Decimal(job.allocation.units) * Decimal(str(length.total_seconds())) / 3600
    if event.accelerator_hours > most * MEASUREMENT_TOLERANCE:
        return "more_than_allocated"
    if not event.simulated and event.ends_at > at + CLOCK_TOLERANCE:
        return "from_the_future"
    return ""


def _write_usage(job: Job, event: Any, reason: str) -> UsageRecord:
    return UsageRecord.objects.create(
        job=job,
        source=event.source,
        event_id=event.event_id,
        meter=event.meter_id,
        period=DateTimeTZRange(event.starts_at, event.ends_at),
        accelerator_hours=event.accelerator_hours,
        energy_kwh=event.energy_kwh,
        state="quarantined" if reason else "accepted",
        quarantine_reason=reason,
        simulated=event.simulated,
    )
