"""A pool closes: what has not begun is free at once and offered again, what runs is left alone."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from audit.decisions import SYSTEM
from audit.models import AuditEvent
from providers.actions.close_pool import close_pool
from providers.actions.lift_closure import lift_closure
from scheduling.actions.allocate_capacity import allocate_capacity
from scheduling.actions.create_job import create_job
from scheduling.actions.withdraw_from_pool import withdraw_from_pool
from scheduling.models import Allocation, Job, Placement, PoolHour, Workload
from tests.factories import NOW
from tests.scheduling.builders import (
    START,
    make_job,
    make_placement,
    make_pool,
    make_workload,
)
from tests.scheduling.test_run_matching import match, offered

pytestmark = pytest.mark.django_db


def close(pool, *, first=0, last=4, kind="outage", at=NOW):
    """The provider closes its pool, and what was to run there is withdrawn, as news of it comes."""
    starts_at, ends_at = START + timedelta(hours=first), START + timedelta(hours=last)
    closure = close_pool(
        pool=pool, kind=kind, starts_at=starts_at, ends_at=ends_at, actor=SYSTEM, at=at
    )
    withdraw_from_pool(
        pool=pool, starts_at=starts_at, ends_at=ends_at, why=kind, actor=SYSTEM, at=at
    )
    return closure


def test_a_proposal_in_those_hours_ends_and_its_workload_is_placed_elsewhere():
    first, second = offered(price_fen=700), offered(price_fen=800)
    workload = make_workload(units=2, hours=3)
    match()
    assert Placement.objects.get().pool == first
    close(first, last=72)
    workload.refresh_from_db()
    assert workload.state == "submitted"
    assert not PoolHour.objects.filter(pool=first, proposed__gt=0).exists()
    match()
    again = Placement.objects.get(state="proposed")
    assert (again.pool, again.workload) == (second, workload)


def test_hours_outside_the_closure_stay_on_offer():
    pool = offered(units=2)
    make_workload(units=2, hours=3)
    close(pool, first=0, last=2)
    match()
    placed = Placement.objects.get()
    assert placed.starts_at >= START + timedelta(hours=2)
    ended = (placed.ends_at - START) // timedelta(hours=1)
    close(pool, first=ended, last=ended + 1)
    assert Placement.objects.get().state == "proposed"


def test_an_allocation_that_has_not_begun_is_withdrawn_with_its_hours():
    job = make_job(units=2, hours=3)
    close(job.allocation.pool)
    job.allocation.refresh_from_db()
    assert job.allocation.state == "released"
    placement = Placement.objects.get()
    assert (placement.state, placement.workload.state) == ("failed", "submitted")
    assert not PoolHour.objects.filter(taken__gt=0).exists()
    assert AuditEvent.objects.filter(kind="allocation.withdrawn").count() == 1


def test_a_running_job_is_left_to_its_platform():
    job = make_job()
    Job.objects.filter(pk=job.pk).update(state="RUNNING")
    close(job.allocation.pool)
    assert Allocation.objects.get().state == "active"


def test_what_replaces_a_failed_placement_says_so():
    first = offered(price_fen=700)
    offered(price_fen=800)
    make_workload(units=2, hours=3)
    match()
    failed = Placement.objects.get()
    create_job(
        allocation=allocate_capacity(placement=failed, actor=SYSTEM, at=NOW), actor=SYSTEM, at=NOW
    )
    close(first, last=72)
    match()
    assert Placement.objects.get(state="proposed").replaces == failed


def test_a_lifted_closure_lets_the_hours_be_offered_again():
    pool = offered(units=2)
    closure = close(pool, last=72)
    workload = make_workload(units=2, hours=3)
    match()
    workload.refresh_from_db()
    assert workload.state == "unplaced"
    lift_closure(closure=closure, actor=SYSTEM, at=NOW)
    Workload.objects.update(state="submitted")
    match()
    assert Placement.objects.get().pool == pool


NAMED = ["run_id", "workload_id", "pool_id", "rating_id", "price_version_id"]


@pytest.mark.parametrize("column", NAMED)
def test_the_database_refuses_a_placement_that_names_nothing(column):
    placement = make_placement(make_pool(), make_workload())
    Placement.objects.filter(pk=placement.pk).update(state="declined")
    placement.pk, placement._state.adding = None, True
    setattr(placement, column, 10**9)
    name = f"placement_names_a_{column.removesuffix('_id')}_that_exists"
    with pytest.raises(IntegrityError, match="does not exist") as refused, transaction.atomic():
        placement.save(force_insert=True)
    assert refused.value.__cause__.diag.constraint_name == name


def test_the_database_refuses_hours_of_a_pool_that_does_not_exist():
    with pytest.raises(IntegrityError, match="does not exist"), transaction.atomic():
        PoolHour.objects.create(pool_id=10**9, starts_at=NOW, units=1)


def test_promised_hours_stay_with_their_pool():
    hour = PoolHour.objects.create(pool=make_pool(), starts_at=NOW, units=1)
    with pytest.raises(DatabaseError, match=r"[Cc]annot update"), transaction.atomic():
        PoolHour.objects.filter(pk=hour.pk).update(pool=make_pool())


@pytest.mark.parametrize("table", ["scheduling_matchrun", "scheduling_workload"])
def test_what_others_stand_on_is_never_deleted(table):
    make_placement(make_pool(), make_workload())
    refused = pytest.raises(DatabaseError, match=r"[Cc]annot delete")
    with refused, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {table}")
