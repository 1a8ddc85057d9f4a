"""Power turns green: an interruptible job is offered a move, and moves when its owner says so."""

from datetime import timedelta

import pytest

from audit.decisions import SYSTEM, StaleState
from audit.models import AuditEvent
from scheduling.actions.allocate_capacity import allocate_capacity
from scheduling.actions.answer_relocation import accept_relocation, decline_relocation
from scheduling.actions.load_carbon_signals import load_carbon_signals
from scheduling.actions.suggest_relocations import suggest_relocations
from scheduling.models import Placement, PoolHour, Relocation, Workload
from scheduling.pull_market import horizon_start
from scheduling.refusals import CapacityGone, PlacementExpired
from tests.factories import NOW
from tests.scheduling.builders import make_workload
from tests.scheduling.test_run_matching import match, offered

pytestmark = pytest.mark.django_db


def accepted(*, interruptible: bool = True) -> Placement:
    pool = offered(units=4)
    workload = make_workload(units=4, hours=2)
    Workload.objects.filter(pk=workload.pk).update(interruptible=interruptible)
    match()
    placement = Placement.objects.get(pool=pool)
    allocate_capacity(placement=placement, actor=SYSTEM, at=NOW)
    placement.refresh_from_db()
    return placement


def turn_green(placement: Placement, hour: int = 30) -> None:
    """All of the week is dirty but two hours."""
    load_carbon_signals(
        rows=[("150000", h, "0.01" if h in (hour, hour + 1) else "9.9") for h in range(168)],
        starts_at=horizon_start(NOW),
        quality="calibrated",
        source="a test",
        actor=SYSTEM,
        at=NOW,
    )


def suggest(**more) -> int:
    return suggest_relocations(actor=SYSTEM, at=NOW, move_cost_fen=10, **more)


def test_a_job_that_can_wait_is_offered_the_green_hours():
    placement = accepted()
    assert suggest() == 0, "nothing is greener yet"
    turn_green(placement)
    assert suggest() == 1
    found = Relocation.objects.get()
    assert found.carbon_saved_kg > 0
    assert found.segments[0][0] == (horizon_start(NOW) + timedelta(hours=30)).isoformat()
    assert suggest() == 0, "once is enough"
    assert Placement.objects.get().state == "accepted", "nothing moved by itself"


def test_a_job_that_cannot_be_interrupted_is_left_alone():
    turn_green(accepted(interruptible=False))
    assert suggest() == 0


def test_accepting_frees_the_old_hours_and_proposes_the_new():
    old = accepted()
    turn_green(old)
    suggest()
    new = accept_relocation(relocation=Relocation.objects.get(), actor=SYSTEM, at=NOW)
    old.refresh_from_db()
    assert (old.state, new.state, new.replaces) == ("failed", "proposed", old)
    assert new.price_version == old.price_version
    held = {hour.starts_at: hour for hour in PoolHour.objects.filter(pool=new.pool)}
    assert (held[new.starts_at].taken, held[new.starts_at].proposed) == (0, 4)
    assert held[old.starts_at].taken == 0
    assert AuditEvent.objects.filter(kind="allocation.withdrawn").count() == 1
    allocate_capacity(placement=new, actor=SYSTEM, at=NOW)
    assert held[new.starts_at].taken == 0
    held[new.starts_at].refresh_from_db()
    assert (held[new.starts_at].taken, held[new.starts_at].proposed) == (4, 0)


def test_hours_taken_meanwhile_refuse_the_move_and_leave_the_old_place():
    old = accepted()
    turn_green(old)
    suggest()
    PoolHour.objects.update_or_create(
        pool=old.pool,
        starts_at=horizon_start(NOW) + timedelta(hours=30),
        defaults={"units": 4, "taken": 4},
    )
    with pytest.raises(CapacityGone):
        accept_relocation(relocation=Relocation.objects.get(), actor=SYSTEM, at=NOW)
    old.refresh_from_db()
    assert (old.state, old.allocation.state) == ("accepted", "active")
    assert Relocation.objects.get().state == "suggested"


def test_a_declined_or_late_answer_changes_nothing():
    old = accepted()
    turn_green(old)
    suggest()
    found = Relocation.objects.get()
    with pytest.raises(PlacementExpired):
        accept_relocation(relocation=found, actor=SYSTEM, at=found.valid_until)
    decline_relocation(relocation=found, actor=SYSTEM, at=NOW)
    with pytest.raises(StaleState):
        accept_relocation(relocation=found, actor=SYSTEM, at=NOW)
    old.refresh_from_db()
    assert old.state == "accepted"
