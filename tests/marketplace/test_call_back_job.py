"""An order that ends without a charge calls its job back from the platform."""

from datetime import timedelta

import pytest

from audit.decisions import SYSTEM
from audit.models import AuditEvent
from marketplace import reactions
from marketplace.actions.cancel_order import cancel_order
from providers.actions.close_pool import close_pool
from scheduling.actions.create_job import create_job
from scheduling.actions.dispatch_job import dispatch_job
from scheduling.models import Job
from scheduling.platforms.connectors.contract import DispatchReceipt, JobState, JobStatus
from tests.factories import NOW
from tests.marketplace.orders import make_buyer, place

pytestmark = pytest.mark.django_db


class Platform:
    """Answers like a platform and remembers what it was asked."""

    def __init__(self):
        self.asked = []

    def dispatch(self, request):
        self.asked.append("dispatch")
        return DispatchReceipt(
            ref="ref-1", lease_id=request.lease_id, state=JobState.QUEUED, already_started=False
        )

    def cancel(self, ref):
        self.asked.append(f"cancel {ref}")
        return JobStatus(
            ref=ref, lease_id="", state=JobState.CANCELED, reason="", started_at=None,
            ended_at=None, accelerator_hours=0, energy_kwh=None,
        )  # fmt: skip


@pytest.fixture
def platform(monkeypatch):
    made = Platform()
    monkeypatch.setattr(reactions, "connector_for", lambda _platform: made)
    return made


def hand_over(order, platform) -> Job:
    job = create_job(allocation=order.allocation, actor=SYSTEM, at=NOW)
    return dispatch_job(job=job, connector=platform, callback_url="x", actor=SYSTEM, at=NOW)


def react(kind: str) -> None:
    for event in AuditEvent.objects.filter(kind=kind):
        for handler in reactions.REACTIONS[kind]:
            handler(event)


def test_a_lapsed_hold_calls_back_what_the_platform_runs(platform):
    order = place(make_buyer())
    hand_over(order, platform)
    cancel_order(order=order, actor=SYSTEM, at=NOW, reason="hold expired")
    react("order.cancelled")
    assert platform.asked == ["dispatch", "cancel ref-1"]
    order.placement.workload.refresh_from_db()
    assert order.placement.workload.state == "cancelled"
    assert AuditEvent.objects.get(kind="job.recalled").data["reason"] == "hold expired"


def test_a_job_that_never_left_us_is_not_handed_over_later(platform):
    order = place(make_buyer())
    job = create_job(allocation=order.allocation, actor=SYSTEM, at=NOW)
    cancel_order(order=order, actor=SYSTEM, at=NOW, reason="hold expired")
    dispatch_job(job=job, connector=platform, callback_url="x", actor=SYSTEM, at=NOW)
    react("order.cancelled")
    job.refresh_from_db()
    assert (job.state, platform.asked) == ("CANCELED", [])


def test_a_job_that_ended_is_not_called_back(platform):
    order = place(make_buyer())
    job = hand_over(order, platform)
    Job.objects.filter(pk=job.pk).update(state="SYSTEM_ERROR")
    cancel_order(order=order, actor=SYSTEM, at=NOW, reason="SYSTEM_ERROR")
    react("order.cancelled")
    assert platform.asked == ["dispatch"]


def test_a_closed_pool_ends_the_order_gives_the_voucher_back_and_calls_the_job_back(platform):
    order = place(make_buyer())
    hand_over(order, platform)
    close_pool(
        pool=order.allocation.pool,
        kind="outage",
        starts_at=order.placement.starts_at,
        ends_at=order.placement.starts_at + timedelta(hours=1),
        actor=SYSTEM,
        at=NOW,
    )
    react("pool.closed")
    react("allocation.withdrawn")
    react("order.cancelled")
    order.refresh_from_db()
    assert order.state == "cancelled"
    assert order.redemption is None or order.redemption.state != "reserved"
    assert platform.asked == ["dispatch", "cancel ref-1"]
    order.placement.workload.refresh_from_db()
    assert order.placement.workload.state == "submitted"
