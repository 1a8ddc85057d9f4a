"""One matching run over real offers: reasons with every answer, one planner, all or nothing."""

from datetime import timedelta

import pytest

from audit.decisions import SYSTEM
from audit.models import AuditEvent
from providers.models import Pool
from scheduling.actions import run_matching as module
from scheduling.actions.allocate_capacity import allocate_capacity
from scheduling.actions.expire_placements import expire_placements
from scheduling.actions.lease_market import LEASE, lease_market
from scheduling.actions.list_pool import list_pool
from scheduling.actions.run_matching import run_matching
from scheduling.models import MatchingLease, MatchRun, Placement, PoolHour, Workload
from scheduling.refusals import LeaseLost, MarketIsBeingPlanned
from tests.factories import NOW
from tests.providers.supply import make_facility, make_offer, make_pool
from tests.scheduling.builders import make_platform, make_workload

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
LATER = NOW + LEASE + timedelta(minutes=1)  # the lease is renewed while its holder works


def offered(*, units: int = 8, price_fen: int = 800, can_dispatch: bool = True) -> Pool:
    """A priced, listed pool of a facility in Inner Mongolia, whose grid factor is published."""
    pool = make_pool(make_facility(), units=units)
    make_offer(pool, price_fen=price_fen)
    list_pool(pool=pool, platform=make_platform(can_dispatch=can_dispatch), actor=SYSTEM, at=NOW)
    return pool


def match(at=NOW) -> MatchRun:
    run = run_matching(actor=SYSTEM, at=at)
    assert run is not None
    return run


def test_nothing_waiting_is_no_run(db):
    assert run_matching(actor=SYSTEM, at=NOW) is None
    assert MatchRun.objects.count() == 0


def test_the_cheaper_pool_is_chosen_and_the_other_is_shown_with_its_reason():
    dear, cheap = offered(price_fen=900), offered(price_fen=800)
    workload = make_workload(units=2, hours=3)
    run = match()
    placement = Placement.objects.get()
    assert (run.state, placement.pool, placement.state) == ("done", cheap, "proposed")
    assert placement.price_fen == 800 * 2 * 3
    # 0.5 kW a card at the limit of 1.5 that an unmetered facility is planned with.
    assert float(placement.energy_kwh) == pytest.approx(2 * 3 * 0.5 * 1.5)
    assert placement.explanation["pue_basis"].startswith("assumed")
    assert placement.rating is None
    assert placement.carbon_kg > 0
    rejected = placement.explanation["rejected"]
    assert dear.code in [each["pool_code"] for each in rejected]
    assert all(each["facility"] and each["starts_at"] for each in rejected)
    assert Workload.objects.get(pk=workload.pk).state == "matched"
    assert run.certificate
    assert len(run.input_digest) == 64
    assert AuditEvent.objects.filter(kind="matching.completed").count() == 1


def test_a_pool_of_a_platform_under_construction_is_not_offered():
    offered(price_fen=1, can_dispatch=False)
    open_pool = offered(price_fen=900)
    make_workload()
    run = match()
    assert Placement.objects.get().pool == open_pool
    assert [each["pool_id"] for each in run.inputs["pools"]] == [str(open_pool.pk)]


def test_hours_that_are_taken_are_not_offered_again():
    pool = offered(units=2)
    first = make_workload(units=2, hours=3)
    match()
    taken = Placement.objects.get(workload=first)
    allocate_capacity(placement=taken, actor=SYSTEM, at=NOW)
    hours = PoolHour.objects.filter(pool=pool).order_by("starts_at")
    assert [(hour.taken, hour.proposed) for hour in hours] == [(2, 0)] * 3
    second = make_workload(units=2, hours=3)
    match()
    assert Placement.objects.get(workload=second).starts_at >= taken.ends_at


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("units", 9, "units"),
        ("max_price_fen_per_unit_hour", 700, "price"),
        ("regions", ["330000"], "region"),
        ("min_green_tier", 4, "tier"),
    ],
)
def test_an_unplaced_workload_is_told_the_least_it_would_have_to_give_up(field, value, told):
    offered(units=8, price_fen=800)
    workload = make_workload(units=2)
    Workload.objects.filter(pk=workload.pk).update(**{field: value})
    match()
    workload.refresh_from_db()
    reason = workload.unplaced_reason
    assert workload.state == "unplaced"
    assert reason["text_en"]
    assert reason["text_zh"]
    assert reason["code"]
    change = reason["explanation"]["would_change"]
    assert change, reason
    assert told in change["field"], change
    assert Placement.objects.count() == 0


def test_one_planner_a_market_at_a_time():
    offered()
    make_workload()
    lease_market(market="all", at=NOW)
    with pytest.raises(MarketIsBeingPlanned):
        match(at=NOW + LEASE - timedelta(seconds=1))
    assert MatchRun.objects.count() == Placement.objects.count() == 0
    assert match(at=LATER).state == "done"


def test_a_killed_run_is_abandoned_and_done_again_without_residue(monkeypatch):
    offered()
    make_workload()

    class Killed(BaseException):
        """What a SIGKILL leaves: no clean-up runs."""

    def die(*_args, **_named):
        raise Killed

    with monkeypatch.context() as dying:
        dying.setattr(module, "plan", die)
        dying.setattr(module, "end_lease", lambda **_named: None)
        with pytest.raises(Killed):
            match()
    killed = MatchRun.objects.get()
    assert (killed.state, Placement.objects.count()) == ("running", 0)
    again = match(at=LATER)
    killed.refresh_from_db()
    assert (killed.state, again.state) == ("abandoned", "done")
    assert again.token > killed.token
    assert Placement.objects.get().run == again


def test_a_planner_taken_for_dead_is_refused_whole(monkeypatch):
    """While the first plans, its lease runs out and another plans and commits."""
    offered()
    make_workload()
    plan = module.plan

    def slow(*args, **named):
        monkeypatch.setattr(module, "plan", plan)
        assert match(at=LATER).state == "done"
        return plan(*args, **named)

    monkeypatch.setattr(module, "plan", slow)
    with pytest.raises(LeaseLost):
        match()
    assert sorted(MatchRun.objects.values_list("state", flat=True)) == ["abandoned", "done"]
    assert Placement.objects.get().run.state == "done"
    assert AuditEvent.objects.filter(kind="matching.completed").count() == 1
    assert MatchingLease.objects.get().expires_at is None


def test_a_plan_that_oversells_is_parked_whole(monkeypatch):
    """The engine is not believed: two jobs squeezed into the same hours of a pool for one."""
    offered(units=2)
    for _ in range(2):
        make_workload(units=2, hours=3)
    plan = module.plan

    def oversell(*args, **named):
        planned = plan(*args, **named)
        planned.columns.start[:] = planned.columns.start[0]
        return planned

    monkeypatch.setattr(module, "plan", oversell)
    run = match()
    assert run.state == "parked"
    assert "rules" in run.error
    assert Placement.objects.count() == 0
    assert set(Workload.objects.values_list("state", flat=True)) == {"submitted"}
    assert AuditEvent.objects.filter(kind="matching.parked").count() == 1


def test_the_same_market_is_planned_the_same_twice():
    for price_fen in (700, 800):
        offered(units=4, price_fen=price_fen)
    workloads = [make_workload(units=2, hours=3) for _ in range(4)]
    first = match()
    chosen = list(Placement.objects.order_by("workload").values_list("pool", "starts_at"))
    Placement.objects.update(valid_until=NOW)
    assert expire_placements(actor=SYSTEM, at=NOW) == len(workloads)
    second = match()
    assert second.input_digest == first.input_digest
    assert (
        list(
            Placement.objects.filter(run=second)
            .order_by("workload")
            .values_list("pool", "starts_at")
        )
        == chosen
    )
