"""Capacity is promised once, in every hour or in none."""

import threading
from datetime import timedelta

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from audit.decisions import SYSTEM, StaleState
from scheduling.actions.allocate_capacity import allocate_capacity
from scheduling.actions.decline_placement import decline_placement
from scheduling.actions.expire_placements import expire_placements
from scheduling.actions.release_allocation import release_allocation
from scheduling.models import Allocation, Placement, PoolHour, Workload
from scheduling.refusals import CapacityGone, PlacementExpired
from tests.factories import NOW
from tests.scheduling.builders import START, make_placement, make_pool, make_workload

pytestmark = pytest.mark.django_db(transaction=True)


def allocate(placement, at=NOW):
    return allocate_capacity(placement=placement, actor=SYSTEM, at=at)


def taken(pool):
    return list(
        PoolHour.objects.filter(pool=pool).order_by("starts_at").values_list("taken", flat=True)
    )


def test_takes_every_hour_of_the_placement():
    pool = make_pool()
    allocate(make_placement(pool, make_workload(units=2, hours=3)))
    assert taken(pool) == [2, 2, 2]


def test_a_full_hour_refuses_the_whole_placement_and_leaves_nothing():
    pool = make_pool(units=8)
    allocate(make_placement(pool, make_workload(units=7, hours=1)))
    late = make_placement(pool, make_workload(units=2, hours=3))
    with pytest.raises(CapacityGone):
        allocate(late)
    late.refresh_from_db()
    assert late.state == "proposed"
    assert taken(pool) == [7]


def test_the_database_refuses_overselling_whoever_asks():
    pool = make_pool(units=8)
    allocate(make_placement(pool, make_workload(units=8, hours=1)))
    with pytest.raises(IntegrityError, match="a_pool_hour_is_never_oversold"), transaction.atomic():
        PoolHour.objects.filter(pool=pool).update(taken=9)


def test_a_placement_is_accepted_once():
    placement = make_placement(make_pool(), make_workload())
    allocate(placement)
    with pytest.raises(StaleState):
        allocate(placement)
    assert Allocation.objects.count() == 1


def test_refuses_an_offer_that_ran_out_at_that_instant():
    placement = make_placement(make_pool(), make_workload())
    with pytest.raises(PlacementExpired):
        allocate(placement, at=placement.valid_until)


def test_releasing_twice_gives_back_once():
    pool = make_pool()
    allocation = allocate(make_placement(pool, make_workload(units=2, hours=2)))
    for _again in range(2):
        release_allocation(allocation=allocation, actor=SYSTEM, at=NOW, reason="test")
    assert taken(pool) == [0, 0]


def test_a_declined_placement_lets_its_workload_be_matched_again():
    placement = make_placement(make_pool(), make_workload())
    decline_placement(placement=placement, actor=SYSTEM, at=NOW)
    assert Workload.objects.get(pk=placement.workload_id).state == "submitted"


def test_an_expired_placement_lets_its_workload_be_matched_again():
    placement = make_placement(make_pool(), make_workload())
    assert expire_placements(actor=SYSTEM, at=START - timedelta(seconds=1)) == 0
    assert expire_placements(actor=SYSTEM, at=START) == 1
    assert Workload.objects.get(pk=placement.workload_id).state == "submitted"


def test_a_shell_session_keeps_to_the_drawn_lines():
    placement = make_placement(make_pool(), make_workload())
    with pytest.raises(DatabaseError), transaction.atomic():
        Placement.objects.filter(pk=placement.pk).update(state="failed")


def test_32_threads_never_oversell_a_pool():
    pool = make_pool(units=8)
    placements = [make_placement(pool, make_workload(units=3, hours=2)) for _ in range(32)]
    barrier = threading.Barrier(32)
    outcomes: list[bool] = []

    def run(placement):
        barrier.wait()
        try:
            allocate(placement)
            outcomes.append(True)
        except CapacityGone:
            outcomes.append(False)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[each]) for each in placements]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes.count(True) == 2
    assert len(outcomes) == 32
    assert taken(pool) == [6, 6]
