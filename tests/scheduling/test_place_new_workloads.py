"""Between two plans: new workloads at the last plan's prices, fenced and guarded like a plan."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audit.decisions import SYSTEM
from scheduling import live_market as kept
from scheduling.actions.decline_placement import decline_placement
from scheduling.actions.lease_market import lease_market
from scheduling.actions.place_new_workloads import place_new_workloads
from scheduling.actions.run_matching import open_run
from scheduling.models import MatchRun, Placement, PoolHour, Workload
from scheduling.refusals import MarketIsBeingPlanned
from scheduling.report_progress import Progress
from tests.factories import NOW
from tests.scheduling.builders import make_workload
from tests.scheduling.test_run_matching import match, offered

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nothing_is_kept():
    kept._KEPT.clear()
    yield
    kept._KEPT.clear()


def place(**more) -> MatchRun | None:
    return place_new_workloads(actor=SYSTEM, at=NOW, **more)


def planned_once(**pool):
    chosen = offered(**pool)
    make_workload(units=1, hours=2)
    match()
    return chosen


def test_without_a_plan_there_are_no_prices_to_place_at():
    offered()
    make_workload()
    assert place() is None
    assert MatchRun.objects.count() == 0


def test_new_workloads_are_placed_beside_what_is_on_offer():
    pool = planned_once(units=3)
    new = [make_workload(units=2, hours=2) for _ in range(2)]
    run = place()
    assert run is not None
    assert (run.kind, run.state, run.progress["placed"]) == ("incremental", "done", 2)
    assert run.scope["prices_of"] == MatchRun.objects.get(kind="batch").pk
    assert run.certificate["gap"] is None
    for each in new:
        each.refresh_from_db()
        assert each.state == "matched"
    hours = PoolHour.objects.filter(pool=pool)
    assert max(hour.proposed for hour in hours) <= 3
    assert sum(hour.proposed for hour in hours) == 2 + 4 + 4


def test_a_second_call_stands_on_what_the_first_took(monkeypatch):
    planned_once(units=2)
    opened = []
    pull = kept.pull_market
    monkeypatch.setattr(kept, "pull_market", lambda **named: opened.append(1) or pull(**named))
    for _ in range(3):
        workload = make_workload(units=2, hours=2)
        place()
        workload.refresh_from_db()
        assert workload.state == "matched"
    assert opened == [1]
    starts = list(Placement.objects.filter(workload__units=2).values_list("starts_at", flat=True))
    assert len(set(starts)) == 3


def test_hours_given_back_are_offered_again_at_once():
    planned_once(units=2)
    first = make_workload(units=2, hours=40)
    place()
    taken = Placement.objects.get(workload=first)
    late = make_workload(units=2, hours=40)
    place()
    late.refresh_from_db()
    assert late.state == "submitted", "nothing is free, so it keeps waiting"
    decline_placement(placement=taken, actor=SYSTEM, at=NOW)
    Workload.objects.filter(pk=first.pk).update(state="cancelled")
    place()
    late.refresh_from_db()
    assert late.state == "matched"


def test_what_finds_no_place_waits_for_the_next_plan():
    planned_once(units=2)
    dear = make_workload(units=1, hours=2)
    Workload.objects.filter(pk=dear.pk).update(max_price_fen_per_unit_hour=1)
    run = place()
    dear.refresh_from_db()
    assert (run.state, dear.state) == ("done", "submitted")
    match()
    dear.refresh_from_db()
    assert (dear.state, dear.unplaced_reason["code"]) == ("unplaced", "price")


def test_a_state_in_memory_that_is_wrong_is_refused_by_the_database():
    """Somebody took the hours behind the worker's back: the run is parked whole."""
    pool = planned_once(units=2)
    make_workload(units=1, hours=2)
    place()
    for hour in range(60):
        PoolHour.objects.update_or_create(
            pool=pool,
            starts_at=NOW + timedelta(hours=1 + hour),
            defaults={"units": 2, "proposed": 2},
        )
    late = make_workload(units=1, hours=2)
    run = place()
    late.refresh_from_db()
    assert (run.state, late.state) == ("parked", "submitted")
    assert "a_pool_hour_is_never_oversold" in run.error
    assert place().state == "done", "the wrong state was thrown away"


def test_while_the_market_is_planned_nobody_places():
    planned_once()
    make_workload()
    lease_market(market="all", at=NOW)
    with pytest.raises(MarketIsBeingPlanned):
        place()


def test_a_run_writes_its_progress_only_once_a_second_has_passed():
    run = open_run(market="all", token=lease_market(market="all", at=NOW), at=NOW)
    progress = Progress(run, begun_at=NOW)
    with CaptureQueriesContext(connection) as queries:
        progress.tell("pull")
        progress.tell("place")
    assert not queries.captured_queries
    progress._clock -= 2
    progress.tell("check")
    run.refresh_from_db()
    assert run.progress["step"] == "check"
    assert list(progress.seconds) == ["pull", "place", "check"]
