"""Prepare the hand-over of an allocation to the platform that owns its pool."""

from datetime import datetime

from django.db import transaction

from audit.actions.record import record
from audit.decisions import Actor
from scheduling.models import Allocation, Job, Listing
from scheduling.refusals import PlatformCannotDispatch


@transaction.atomic
def create_job(*, allocation: Allocation, actor: Actor, at: datetime) -> Job:
    """One job for an allocation, however often it is asked for.

    Raises PlatformCannotDispatch when no platform that owns the pool can dispatch.
    """
    existing = Job.objects.filter(allocation=allocation).first()
    if existing is not None:
        return existing
    listing = (
        Listing.objects.select_related("platform").filter(pool=allocation.pool, owner=True).first()
    )
    if listing is None or not listing.platform.can_dispatch or not listing.platform.connector:
        raise PlatformCannotDispatch(
            platform=listing.platform.name if listing else "–",
            status=listing.platform.status_text if listing else "–",
        )
    job = Job.objects.create(allocation=allocation, platform=listing.platform)
    record(
        "job.created",
        subject=job,
        actor=actor,
        at=at,
        data={"lease_id": job.lease_id, "platform": listing.platform.name},
    )
    return job
