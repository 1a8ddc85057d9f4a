"""The enterprise accepts or declines a suggested move of its interruptible job."""

from datetime import datetime

from django.db import IntegrityError, transaction

from audit.actions.record import record
from audit.decisions import Actor, StaleState
from scheduling.actions.allocate_capacity import hold_hours
from scheduling.actions.release_allocation import release_allocation
from scheduling.models import Placement, Relocation, Workload
from scheduling.queries import price_version_at
from scheduling.refusals import CapacityGone, PlacementExpired


@transaction.atomic
def accept_relocation(*, relocation: Relocation, actor: Actor, at: datetime) -> Placement:
    """Withdraw the placement where it is and propose the rest where it was suggested.

    The new hours are kept first, all or none; then the old ones are given back. The workload
    becomes what is left of it. The proposal returned is accepted as any other: its own order, its
    own hold. Raises PlacementExpired, StaleState, CapacityGone.
    """
    if at >= relocation.valid_until:
        raise PlacementExpired(valid_until=relocation.valid_until.isoformat())
    _move(relocation, "accepted")
    old = Placement.objects.select_related("workload", "allocation").get(pk=relocation.placement_id)
    job = getattr(old.allocation, "job", None)
    if old.state != "accepted" or (job is not None and job.state not in ("CREATED", "QUEUED")):
        raise StaleState(thing="placement", current=old.state, needed="accepted, not begun")
    release_allocation(
        allocation=old.allocation, actor=actor, at=at, reason="relocated", then="submitted"
    )
    Workload.objects.filter(pk=old.workload_id, state="submitted").update(state="matched")
    workload = old.workload
    new = Placement(
        run=old.run,
        workload=workload,
        pool=relocation.pool,
        replaces=old,
        holds_capacity=True,
        price_version=price_version_at(relocation.pool, relocation.segments[0][0]),
        starts_at=relocation.segments[0][0],
        ends_at=relocation.segments[-1][1],
        segments=relocation.segments,
        price_fen=relocation.price_fen,
        voucher_fen=relocation.voucher_fen,
        price_fen_per_unit_hour=-(
            -relocation.price_fen // (workload.units * workload.duration_hours)
        ),
        energy_kwh=relocation.energy_kwh,
        carbon_kg=relocation.carbon_kg,
        explanation=_story(relocation),
        valid_until=min(relocation.valid_until, datetime.fromisoformat(relocation.segments[0][0])),
    )
    try:
        with transaction.atomic():
            hold_hours(new, workload.units)
    except IntegrityError as error:
        raise CapacityGone(
            pool=relocation.pool.code,
            units=workload.units,
            starts_at=relocation.segments[0][0],
            ends_at=relocation.segments[-1][1],
        ) from error
    new.save(force_insert=True)
    Relocation.objects.filter(pk=relocation.pk).update(outcome=new)
    record(
        "allocation.withdrawn",
        subject=old.allocation,
        actor=actor,
        at=at,
        data={"why": "relocated"},
    )
    record(
        "relocation.accepted",
        subject=relocation,
        actor=actor,
        at=at,
        data={"from_placement": old.pk, "to_placement": new.pk},
    )
    new.refresh_from_db()
    return new


@transaction.atomic
def decline_relocation(*, relocation: Relocation, actor: Actor, at: datetime) -> Relocation:
    """Everything stays as it is. Raises StaleState."""
    _move(relocation, "declined")
    record("relocation.declined", subject=relocation, actor=actor, at=at)
    relocation.refresh_from_db()
    return relocation


def _move(relocation: Relocation, to: str) -> None:
    if not Relocation.objects.filter(pk=relocation.pk, state="suggested").update(state=to):
        relocation.refresh_from_db()
        raise StaleState(thing="relocation", current=relocation.state, needed="suggested")


def _story(relocation: Relocation) -> dict[str, str]:
    kg, fen = relocation.carbon_saved_kg, relocation.price_saved_fen
    return {
        "text_en": f"Moved by your acceptance: {kg} kg CO₂ and {fen} fen less for the rest.",
        "text_zh": f"经您接受而迁移：剩余部分减少 {kg} 千克二氧化碳、{fen} 分。",
    }
