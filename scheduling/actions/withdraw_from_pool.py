"""What was to run in hours a pool no longer offers is free again, and its workloads wait again."""

from datetime import datetime

from django.db import transaction

from audit.actions.record import record
from audit.decisions import Actor
from providers.models import Pool
from scheduling.actions.allocate_capacity import HOUR, hours_of, withdraw_proposal
from scheduling.actions.release_allocation import release_allocation
from scheduling.models import Allocation, Job, Placement, Workload

# A job that has begun is its platform's to report on: until it does, nobody knows whether it runs.
NOT_BEGUN = ("CREATED", "QUEUED")


@transaction.atomic
def withdraw_from_pool(
    *, pool: Pool, starts_at: datetime, ends_at: datetime, why: str, actor: Actor, at: datetime
) -> dict[str, int]:
    """End the proposals and withdraw the allocations of `pool` in [starts_at, ends_at).

    A job that has begun keeps its allocation. Returns how many of each.
    """
    return {
        "proposals_withdrawn": _withdraw_proposals(pool, starts_at, ends_at, why, actor, at),
        "allocations_withdrawn": _withdraw_allocations(pool, starts_at, ends_at, why, actor, at),
    }


def _withdraw_proposals(
    pool: Pool, starts_at: datetime, ends_at: datetime, why: str, actor: Actor, at: datetime
) -> int:
    count = 0
    standing = Placement.objects.select_related("workload").filter(
        pool=pool, state="proposed", starts_at__lt=ends_at, ends_at__gt=starts_at
    )
    for placement in standing.order_by("pk"):
        if not _touches(placement, starts_at, ends_at):
            continue
        if Placement.objects.filter(pk=placement.pk, state="proposed").update(state="expired"):
            withdraw_proposal(placement)
            waiting = Workload.objects.filter(pk=placement.workload_id, state="matched")
            waiting.update(state="submitted")
            data = {"why": why}
            record("placement.withdrawn", subject=placement, actor=actor, at=at, data=data)
            count += 1
    return count


def _withdraw_allocations(
    pool: Pool, starts_at: datetime, ends_at: datetime, why: str, actor: Actor, at: datetime
) -> int:
    count = 0
    standing = Allocation.objects.select_related("placement__workload").filter(
        pool=pool,
        state="active",
        placement__starts_at__lt=ends_at,
        placement__ends_at__gt=starts_at,
    )
    for allocation in standing.order_by("pk"):
        job = Job.objects.select_for_update().filter(allocation=allocation).first()
        begun = job is not None and job.state not in NOT_BEGUN
        if begun or not _touches(allocation.placement, starts_at, ends_at):
            continue
        release_allocation(allocation=allocation, actor=actor, at=at, reason=why, then="submitted")
        record("allocation.withdrawn", subject=allocation, actor=actor, at=at, data={"why": why})
        count += 1
    return count


def _touches(placement: Placement, starts_at: datetime, ends_at: datetime) -> bool:
    """Whether any of its hours lies in the period, not only between its first and last."""
    return any(hour < ends_at and starts_at < hour + HOUR for hour in hours_of(placement))
