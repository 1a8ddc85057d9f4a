"""A platform's events: stored once, applied in order, never believed beyond reason."""

import json
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from audit.decisions import NotFound
from scheduling.actions.receive_callback import receive_callback
from scheduling.models import Allocation, Placement, PoolHour, UsageRecord, Workload
from scheduling.platforms.connectors.read_callback import STATE_CHANGED, USAGE_REPORTED, read_event
from tests.factories import NOW
from tests.scheduling.builders import START, make_job, make_platform

pytestmark = pytest.mark.django_db


@pytest.fixture
def job():
    job = make_job(units=2, hours=3)
    job.platform_ref = "ref"
    job.save()
    return job


def cloud_event(job, sequence, kind, data, *, event_id=None, simulated=True):
    return {
        "specversion": "1.0",
        "id": event_id or f"{job.lease_id}-{sequence}",
        "source": "/platform/test",
        "type": kind,
        "time": NOW.isoformat(),
        "data": {
            "ref": "ref",
            "lease_id": str(job.lease_id),
            "sequence": sequence,
            "simulated": simulated,
            **data,
        },
    }


def state(job, sequence, name, **more):
    data = {"platform_time": NOW.isoformat(), "state": name, "reason": ""}
    return cloud_event(job, sequence, STATE_CHANGED, data, **more)


def usage(job, sequence, *, hours="2", start=0, length=1, **more):
    starts_at = START + timedelta(hours=start)
    data = {
        "meter_id": f"meter-{job.pk}",
        "starts_at": starts_at.isoformat(),
        "ends_at": (starts_at + timedelta(hours=length)).isoformat(),
        "accelerator_hours": hours,
        "energy_kwh": "0.9",
    }
    return cloud_event(job, sequence, USAGE_REPORTED, data, **more)


def receive(job, body, platform=None):
    return receive_callback(
        platform=platform or job.platform,
        event=read_event(json.dumps(body).encode()),
        body=body,
        at=NOW,
    )


def test_a_job_runs_reports_and_completes(job):
    for body in [
        state(job, 1, "QUEUED"),
        state(job, 2, "RUNNING"),
        usage(job, 3),
        usage(job, 4, start=1),
        state(job, 5, "COMPLETE"),
    ]:
        assert receive(job, body)
    job.refresh_from_db()
    assert (job.state, job.sequence) == ("COMPLETE", 5)
    assert job.usage.filter(state="accepted").count() == 2
    assert Workload.objects.get().state == "completed"
    assert Allocation.objects.get().state == "completed"


def test_the_same_event_twice_counts_once(job):
    assert receive(job, usage(job, 1))
    assert not receive(job, usage(job, 1))
    assert UsageRecord.objects.count() == 1


def test_an_event_before_its_predecessors_waits_for_them(job):
    receive(job, state(job, 3, "COMPLETE"))
    receive(job, usage(job, 2))
    job.refresh_from_db()
    assert (job.state, UsageRecord.objects.count()) == ("CREATED", 0)
    receive(job, state(job, 1, "RUNNING"))
    job.refresh_from_db()
    assert (job.state, UsageRecord.objects.count()) == ("COMPLETE", 1)


def test_a_failed_platform_gives_capacity_back_and_the_workload_is_offered_again(job):
    receive(job, state(job, 1, "SYSTEM_ERROR"))
    assert set(PoolHour.objects.values_list("taken", flat=True)) == {0}
    assert Workload.objects.get().state == "submitted"
    assert Placement.objects.get().state == "failed"


def test_a_failed_program_is_not_offered_again(job):
    receive(job, state(job, 1, "EXECUTOR_ERROR"))
    assert Workload.objects.get().state == "failed"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"hours": "2.003"}, "more_than_allocated"),
        ({"simulated": False, "start": 2}, "from_the_future"),
    ],
)
def test_usage_that_cannot_be_is_quarantined_with_its_reason(job, change, reason):
    receive(job, usage(job, 1, **change))
    record = UsageRecord.objects.get()
    assert (record.state, record.quarantine_reason) == ("quarantined", reason)


def test_an_overlapping_interval_is_quarantined(job):
    receive(job, usage(job, 1, length=2, hours="4"))
    receive(job, usage(job, 2, start=1))
    assert UsageRecord.objects.get(event_id__endswith="-2").quarantine_reason == (
        "overlaps_an_accepted_interval"
    )


def test_the_database_refuses_overlapping_accepted_intervals(job):
    receive(job, usage(job, 1))
    with pytest.raises(IntegrityError), transaction.atomic():
        UsageRecord.objects.create(
            job=job,
            source="shell",
            event_id="shell",
            meter=f"meter-{job.pk}",
            period=DateTimeTZRange(START, START + timedelta(minutes=1)),
            accelerator_hours=Decimal(1),
            state="accepted",
            simulated=False,
        )


def test_another_platforms_lease_is_unknown(job):
    with pytest.raises(NotFound):
        receive(job, state(job, 1, "QUEUED"), platform=make_platform())
