"""Which way is taken: a whole plan where it is quick or due, the new workloads alone between."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from audit.decisions import SYSTEM
from marketplace import tasks
from marketplace.celery import app as celery
from scheduling.actions import match_waiting as module
from scheduling.actions.match_waiting import match_waiting, way_of
from scheduling.models import MatchRun
from tests.factories import NOW
from tests.scheduling.builders import make_workload
from tests.scheduling.test_plan_in_shards import two_regions, wanted_in
from tests.scheduling.test_run_matching import match, offered

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


def test_a_small_market_is_planned_whole_each_time():
    offered()
    make_workload()
    match()
    make_workload()
    assert match_waiting(actor=SYSTEM, at=NOW).kind == "batch"


def test_a_large_market_is_planned_whole_when_due_and_filled_between(monkeypatch):
    monkeypatch.setattr(module, "QUICK", 0)
    offered()
    make_workload()
    assert match_waiting(actor=SYSTEM, at=NOW).kind == "batch"
    make_workload()
    assert match_waiting(actor=SYSTEM, at=NOW).kind == "incremental"
    make_workload()
    assert match_waiting(actor=SYSTEM, at=NOW + timedelta(seconds=700)).kind == "batch"


def test_a_large_market_whose_regions_do_not_interact_is_split_by_itself(monkeypatch):
    monkeypatch.setattr(module, "QUICK", 0)
    two_regions()
    parent = match_waiting(actor=SYSTEM, at=NOW)
    assert (parent.kind, parent.shards.count()) == ("sharded", 2)


def test_a_large_market_that_hangs_together_is_planned_whole(monkeypatch):
    monkeypatch.setattr(module, "QUICK", 0)
    two_regions()
    wanted_in("")  # may run anywhere: ties the regions together
    assert match_waiting(actor=SYSTEM, at=NOW).kind == "batch"


def test_a_single_worker_plans_a_large_market_whole(monkeypatch, settings):
    monkeypatch.setattr(module, "QUICK", 0)
    settings.MATCHING_WORKERS = 1
    two_regions()
    assert match_waiting(actor=SYSTEM, at=NOW).kind == "batch"


@pytest.fixture
def _tasks_run_where_they_are_sent() -> Iterator[None]:
    celery.conf.task_always_eager = True
    yield
    celery.conf.task_always_eager = False


@pytest.mark.usefixtures("_tasks_run_where_they_are_sent")
def test_the_worker_hands_out_the_shards_and_the_last_closes_the_plan(monkeypatch):
    monkeypatch.setattr(module, "QUICK", 0)
    monkeypatch.setattr(tasks.timezone, "now", lambda: NOW)
    two_regions()
    parent = MatchRun.objects.get(pk=tasks.match_market())
    assert (parent.state, parent.progress["placed"]) == ("done", 6)


def test_a_flood_is_planned_whole(monkeypatch):
    monkeypatch.setattr(module, "QUICK", 0)
    monkeypatch.setattr(module, "AT_MOST", 1)
    offered()
    make_workload()
    match()
    for _ in range(2):
        make_workload()
    assert way_of("all", NOW) in ("batch", "sharded")


def test_nothing_waiting_is_nothing_done():
    offered()
    assert match_waiting(actor=SYSTEM, at=NOW) is None
