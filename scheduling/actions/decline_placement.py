"""The enterprise declines a proposed placement; its workload is matched again."""

from datetime import datetime

from django.db import transaction

from audit.actions.record import record
from audit.decisions import Actor, StaleState
from scheduling.actions.allocate_capacity import withdraw_proposal
from scheduling.models import Placement, Workload


@transaction.atomic
def decline_placement(*, placement: Placement, actor: Actor, at: datetime) -> Placement:
    """Raises StaleState unless the placement is still proposed."""
    moved = Placement.objects.filter(pk=placement.pk, state="proposed").update(state="declined")
    placement.refresh_from_db()
    if not moved:
        raise StaleState(thing="placement", current=placement.state, needed="proposed")
    withdraw_proposal(placement)
    Workload.objects.filter(pk=placement.workload_id, state="matched").update(state="submitted")
    record("placement.declined", subject=placement, actor=actor, at=at)
    return placement
