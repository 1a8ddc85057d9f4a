"""The proofs find what is wrong, not only that nothing is."""

import pytest
from django.db import connection

from audit.decisions import SYSTEM
from scheduling.actions.allocate_capacity import allocate_capacity
from scheduling.models import PoolHour
from scheduling.proofs import PROOFS
from tests.factories import NOW
from tests.scheduling.builders import make_placement, make_platform, make_pool, make_workload

pytestmark = pytest.mark.django_db
CHECKS = {proof.name: proof.check for proof in PROOFS}


@pytest.fixture
def allocation():
    return allocate_capacity(
        placement=make_placement(make_pool(), make_workload()), actor=SYSTEM, at=NOW
    )


def test_nothing_is_wrong_with_an_honest_allocation(allocation):
    assert not [list(check()) for check in CHECKS.values() if list(check())]


@pytest.mark.parametrize("taken", [0, 1, 3])
def test_a_pool_hour_that_says_something_else_is_named(allocation, taken):
    hour = PoolHour.objects.first()
    PoolHour.objects.filter(pk=hour.pk).update(taken=taken)
    (violation,) = CHECKS["capacity"]()
    assert str(hour.pool_id) in violation.subject


def test_a_missing_pool_hour_is_named(allocation):
    PoolHour.objects.first().delete()
    (violation,) = CHECKS["capacity"]()
    assert "none taken" in violation.what


def test_a_dispatch_to_a_platform_under_construction_is_named(allocation):
    platform = make_platform(can_dispatch=False)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO scheduling_job (lease_id, allocation_id, platform_id, state, platform_ref,"
            " sequence, reason, simulated) VALUES (gen_random_uuid(), %s, %s, 'CREATED', '', 0, '',"
            " true)",
            [allocation.pk, platform.pk],
        )
    (violation,) = CHECKS["platforms"]()
    assert "under construction" in violation.what
