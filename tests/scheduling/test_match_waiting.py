"""Which way is taken: a whole plan where it is quick or due, the new workloads alone between."""

from datetime import timedelta

import pytest

from audit.decisions import SYSTEM
from scheduling.actions import match_waiting as module
from scheduling.actions.match_waiting import match_waiting, way_of
from tests.factories import NOW
from tests.scheduling.builders import make_workload
from tests.scheduling.test_run_matching import match, offered

pytestmark = pytest.mark.django_db


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


def test_a_flood_is_planned_whole(monkeypatch):
    monkeypatch.setattr(module, "QUICK", 0)
    monkeypatch.setattr(module, "AT_MOST", 1)
    offered()
    make_workload()
    match()
    for _ in range(2):
        make_workload()
    assert way_of("all", NOW) == "batch"


def test_nothing_waiting_is_nothing_done():
    offered()
    assert match_waiting(actor=SYSTEM, at=NOW) is None
