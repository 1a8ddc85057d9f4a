"""Placements nobody accepted in time give back their hours; their workloads wait again."""

from datetime import datetime

from django.db import transaction

from audit.actions.record import record
from audit.decisions import Actor
from scheduling.actions.allocate_capacity import withdraw_proposal
from scheduling.models import Placement, Workload


@transaction.atomic
def expire_placements(*, actor: Actor, at: datetime) -> int:
    """Expire what is due at `at`; returns how many."""
    due = list(
        Placement.objects.select_for_update(skip_locked=True, of=("self",))
        .select_related("workload")
        .filter(state="proposed", valid_until__lte=at)
        .order_by("pk")[:1000]
    )
    for placement in due:
        Placement.objects.filter(pk=placement.pk).update(state="expired")
        withdraw_proposal(placement)
        Workload.objects.filter(pk=placement.workload_id, state="matched").update(state="submitted")
        record("placement.expired", subject=placement, actor=actor, at=at)
    return len(due)
