"""The enterprise takes a workload back, or asks for another try."""

from datetime import datetime

from django.db import transaction

from audit.actions.record import record
from audit.decisions import Actor, StaleState
from scheduling.actions.allocate_capacity import withdraw_proposal
from scheduling.models import Placement, Workload


@transaction.atomic
def cancel_workload(*, workload: Workload, actor: Actor, at: datetime) -> Workload:
    """Cancel before acceptance; a proposed placement is declined with it. Raises StaleState."""
    _move(workload, ("submitted", "unplaced", "matched"), "cancelled")
    for placement in Placement.objects.filter(workload=workload, state="proposed"):
        if Placement.objects.filter(pk=placement.pk, state="proposed").update(state="declined"):
            withdraw_proposal(placement)
    record("workload.cancelled", subject=workload, actor=actor, at=at)
    return workload


@transaction.atomic
def resubmit_workload(*, workload: Workload, actor: Actor, at: datetime) -> Workload:
    """unplaced → submitted: the next matching run tries again. Raises StaleState."""
    _move(workload, ("unplaced",), "submitted")
    record("workload.resubmitted", subject=workload, actor=actor, at=at)
    return workload


def _move(workload: Workload, expected: tuple[str, ...], to: str) -> None:
    moved = Workload.objects.filter(pk=workload.pk, state__in=expected).update(state=to)
    workload.refresh_from_db()
    if not moved:
        raise StaleState(thing="workload", current=workload.state, needed=" / ".join(expected))
