"""Give promised capacity back at once, so that it can be offered again."""

from datetime import datetime

from django.db import transaction

from audit.actions.record import record
from audit.decisions import Actor
from scheduling.actions.allocate_capacity import change_hours
from scheduling.models import Allocation


@transaction.atomic
def release_allocation(
    *, allocation: Allocation, actor: Actor, at: datetime, reason: str
) -> Allocation:
    """Release an active allocation; releasing one that ended changes nothing."""
    moved = Allocation.objects.filter(pk=allocation.pk, state="active").update(state="released")
    allocation.refresh_from_db()
    if not moved:
        return allocation
    change_hours(allocation.placement, taken=-allocation.units)
    record("allocation.released", subject=allocation, actor=actor, at=at, data={"reason": reason})
    return allocation
