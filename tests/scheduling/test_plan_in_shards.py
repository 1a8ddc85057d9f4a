"""A market in shards: exact where nothing interacts, never oversold where it does, one fence."""

from datetime import timedelta

import pytest

from audit.decisions import SYSTEM
from audit.models import AuditEvent
from scheduling.actions import run_matching as module
from scheduling.actions.lease_market import LEASE, lease_market
from scheduling.actions.list_pool import list_pool
from scheduling.actions.plan_in_shards import open_shards, plan_shard
from scheduling.actions.run_matching import run_matching
from scheduling.models import MatchingLease, MatchRun, Placement, PoolHour, Workload
from scheduling.refusals import LeaseLost, MarketIsBeingPlanned
from tests.factories import NOW
from tests.providers.supply import make_facility, make_offer, make_pool
from tests.scheduling.builders import make_platform, make_workload

pytestmark = pytest.mark.django_db


def offered_in(adcode: str, *, units: int = 4, price_fen: int = 700):
    pool = make_pool(make_facility(adcode=adcode), units=units)
    make_offer(pool, price_fen=price_fen)
    list_pool(pool=pool, platform=make_platform(), actor=SYSTEM, at=NOW)
    return pool


def wanted_in(adcode: str, *, units: int = 2, hours: int = 3) -> Workload:
    workload = make_workload(units=units, hours=hours)
    Workload.objects.filter(pk=workload.pk).update(regions=[adcode] if adcode else [])
    return workload


def plan_all(**how) -> MatchRun:
    parent = open_shards(actor=SYSTEM, at=NOW, **how)
    assert parent is not None
    for shard in parent.shards.order_by("pk"):
        plan_shard(run=shard, actor=SYSTEM, at=NOW)
    parent.refresh_from_db()
    return parent


def two_regions():
    north, south = offered_in("150100"), offered_in("330100", price_fen=750)
    for adcode in ("150000", "330000"):
        for _ in range(3):
            wanted_in(adcode)
    return north, south


def test_regions_that_do_not_interact_are_planned_apart_with_nothing_lost():
    two_regions()
    parent = plan_all(workers=2)
    assert (parent.state, parent.shards.count()) == ("done", 2)
    assert parent.progress["placed"] == 6
    worth, gap = parent.certificate["objective_fen"], parent.certificate["gap"]
    assert gap == pytest.approx(0, abs=1e-6)
    assert MatchingLease.objects.get().expires_at is None
    Placement.objects.filter(state="proposed").update(state="expired", holds_capacity=False)
    PoolHour.objects.update(proposed=0)
    Workload.objects.update(state="submitted")
    whole = run_matching(actor=SYSTEM, at=NOW)
    assert whole.certificate["objective_fen"] == pytest.approx(worth)


def test_a_workload_that_may_run_in_both_joins_them():
    two_regions()
    wanted_in("")
    assert plan_all(workers=2).shards.count() == 1


def test_one_voucher_joins_what_draws_on_it():
    two_regions()
    terms = {"voucher_id": 7, "rate": "0.3", "regions": [], "cap_fen": None, "available_fen": 100}
    Workload.objects.update(voucher_terms=terms)
    parent = plan_all(workers=2)
    assert parent.shards.count() == 1
    assert sum(Placement.objects.values_list("voucher_fen", flat=True)) <= 100


def test_random_parts_share_the_units_and_claim_no_gap():
    offered_in("150100", units=5)
    for _ in range(6):
        wanted_in("150000", units=2, hours=40)
    parent = plan_all(workers=1, parts=2)
    assert (parent.shards.count(), parent.certificate["gap"]) == (2, None)
    assert max(hour.proposed for hour in PoolHour.objects.all()) <= 5
    jobs = [shard.progress["jobs"] for shard in parent.shards.all()]
    assert sum(jobs) == 6


def test_a_message_that_comes_twice_plans_once():
    two_regions()
    parent = plan_all(workers=2)
    count = Placement.objects.count()
    for shard in parent.shards.all():
        plan_shard(run=shard, actor=SYSTEM, at=NOW)
    assert Placement.objects.count() == count
    assert AuditEvent.objects.filter(kind="matching.merged").count() == 1


def test_a_shard_whose_worker_died_is_planned_again_and_closes_the_plan():
    two_regions()
    parent = open_shards(actor=SYSTEM, at=NOW, workers=2)
    first, second = parent.shards.order_by("pk")
    plan_shard(run=first, actor=SYSTEM, at=NOW)
    parent.refresh_from_db()
    assert parent.state == "running"
    with pytest.raises(MarketIsBeingPlanned):
        run_matching(actor=SYSTEM, at=NOW)
    plan_shard(run=second, actor=SYSTEM, at=NOW)
    parent.refresh_from_db()
    assert parent.state == "done"


def test_a_shard_of_a_lost_lease_is_refused_whole_beside_one_that_was_committed(monkeypatch):
    two_regions()
    parent = open_shards(actor=SYSTEM, at=NOW, workers=2)
    first, second = parent.shards.order_by("pk")
    plan_shard(run=first, actor=SYSTEM, at=NOW)
    placed = Placement.objects.count()
    plan = module.plan

    def overtaken(*args, **named):
        lease_market(market="all", at=NOW + LEASE + timedelta(minutes=1))
        return plan(*args, **{**named, "progress": None})  # it does not hear of it

    monkeypatch.setattr(module, "plan", overtaken)
    monkeypatch.setattr(module.Progress, "tell", lambda *_args: None)
    with pytest.raises(LeaseLost):
        plan_shard(run=second, actor=SYSTEM, at=NOW)
    assert Placement.objects.count() == placed > 0
