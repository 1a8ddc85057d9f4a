"""Taken out, the constraint lets a pool be oversold: nothing else was holding it."""

import pytest
from django.db import connection, transaction

from audit.decisions import SYSTEM
from scheduling.actions.allocate_capacity import allocate_capacity
from scheduling.models import PoolHour
from scheduling.refusals import CapacityGone
from tests.factories import NOW
from tests.scheduling.builders import make_placement, make_pool, make_workload

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
NAME = "a_pool_hour_is_never_oversold"


def take_four_of_three() -> int:
    """Two workloads of two cards on a pool of three; the cards promised in one hour."""
    pool = make_pool(units=3)
    for _ in range(2):
        placement = make_placement(pool, make_workload(units=2, hours=1))
        allocate_capacity(placement=placement, actor=SYSTEM, at=NOW)
    return PoolHour.objects.get(pool=pool).taken


def test_with_the_constraint_the_second_is_refused():
    with pytest.raises(CapacityGone):
        take_four_of_three()


def test_without_it_the_pool_is_oversold():
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(f"ALTER TABLE scheduling_poolhour DROP CONSTRAINT {NAME}")
        # The test's own transaction is rolled back at its end, and the constraint stands again.
        assert take_four_of_three() == 4
