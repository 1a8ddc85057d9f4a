"""Give promised capacity back at once, so that it can be offered again."""

from datetime import datetime

from django.db import transaction

from audit.actions.record import record
from audit.decisions import Actor
from scheduling.actions.allocate_capacity import change_hours
from scheduling.models import Allocation, Placement, Workload


@transaction.atomic
def release_allocation(
    *, allocation: Allocation, actor: Actor, at: datetime, reason: str, then: str = "cancelled"
) -> Allocation:
    """Release an active allocation; releasing one that ended changes nothing.

    Its placement failed, and its workload goes to `then`: "submitted" offers it again.
    """
    moved = Allocation.objects.filter(pk=allocation.pk, state="active").update(state="released")
    allocation.refresh_from_db()
    if not moved:
        return allocation
    placement = allocation.placement
    change_hours(placement, taken=-allocation.units)
    Placement.objects.filter(pk=placement.pk, state="accepted").update(state="failed")
    Workload.objects.filter(pk=placement.workload_id, state__in=["accepted", "running"]).update(
        state=then
    )
    record("allocation.released", subject=allocation, actor=actor, at=at, data={"reason": reason})
    return allocation
