"""Promise a placement's capacity: every hour of it, or nothing."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db import IntegrityError, connection, transaction
from django.db.models import F

from audit.actions.record import record
from audit.decisions import Actor, StaleState
from scheduling.models import Allocation, Placement, PoolHour, Workload
from scheduling.refusals import CapacityGone, PlacementExpired

HOUR = timedelta(hours=1)


@transaction.atomic
def allocate_capacity(*, placement: Placement, actor: Actor, at: datetime) -> Allocation:
    """Take the placement's units in each of its hours; those a proposal kept are turned into it.

    Raises PlacementExpired, StaleState (declined or taken meanwhile), CapacityGone. The constraint
    `a_pool_hour_is_never_oversold` decides; this only translates its answer.
    """
    if at >= placement.valid_until:
        raise PlacementExpired(valid_until=placement.valid_until.isoformat())
    moved = Placement.objects.filter(pk=placement.pk, state="proposed").update(state="accepted")
    if not moved:
        placement.refresh_from_db(fields=["state"])
        raise StaleState(thing="placement", current=placement.state, needed="proposed")
    placement.state = Placement.State.ACCEPTED
    workload = placement.workload
    if not Workload.objects.filter(pk=workload.pk, state="matched").update(state="accepted"):
        workload.refresh_from_db(fields=["state"])
        raise StaleState(thing="workload", current=workload.state, needed="matched")
    try:
        with transaction.atomic():
            if placement.holds_capacity:
                change_hours(placement, taken=workload.units, proposed=-workload.units)
            else:
                _take(placement, workload.units)
    except IntegrityError as error:
        raise CapacityGone(
            pool=placement.pool.code,
            units=workload.units,
            starts_at=placement.starts_at.isoformat(),
            ends_at=placement.ends_at.isoformat(),
        ) from error
    allocation = Allocation.objects.create(
        placement=placement, pool=placement.pool, units=workload.units, allocated_at=at
    )
    record(
        "allocation.made",
        subject=allocation,
        actor=actor,
        at=at,
        data={"placement_id": placement.pk, "workload_id": workload.pk, "units": workload.units},
    )
    return allocation


def hours_of(placement: Placement) -> Iterator[datetime]:
    """The start of every hour the placement runs in, ascending."""
    for segment in placement.segments:
        hour, end = (datetime.fromisoformat(text) for text in segment)
        while hour < end:
            yield hour
            hour += HOUR


def _take(placement: Placement, units: int) -> None:
    _open_hours(placement)
    change_hours(placement, taken=units)


def hold_hours(placement: Placement, units: int) -> None:
    """Keep a proposal's hours; every one or, by IntegrityError, none."""
    _open_hours(placement)
    change_hours(placement, proposed=units)


def change_hours(placement: Placement, *, taken: int = 0, proposed: int = 0) -> None:
    """Add to what is taken and proposed in every hour of a placement; negative gives back.

    Locked in ascending order. Raises IntegrityError when the hours do not hold it, or when more is
    given back than there was.
    """
    rows = PoolHour.objects.filter(
        pool_id=placement.pool_id, starts_at__in=list(hours_of(placement))
    )
    keys = list(rows.select_for_update().order_by("starts_at").values_list("pk", flat=True))
    PoolHour.objects.filter(pk__in=keys).update(
        taken=F("taken") + taken, proposed=F("proposed") + proposed
    )
    if taken + proposed < 0:  # so that a live market in a worker's memory is read again
        with connection.cursor() as cursor:
            cursor.execute("SELECT nextval('scheduling_capacity_freed')")


def _open_hours(placement: Placement) -> None:
    PoolHour.objects.bulk_create(
        [
            PoolHour(pool=placement.pool, starts_at=hour, units=placement.pool.units)
            for hour in hours_of(placement)
        ],
        ignore_conflicts=True,
    )


def withdraw_proposal(placement: Placement) -> None:
    """Give a proposal's hours back at once; one that kept none changes nothing."""
    if placement.holds_capacity:
        change_hours(placement, proposed=-placement.workload.units)
