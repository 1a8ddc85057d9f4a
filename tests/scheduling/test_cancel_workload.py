"""A workload is taken back before acceptance, or tried again."""

import pytest

from audit.decisions import SYSTEM, StaleState
from scheduling.actions.allocate_capacity import allocate_capacity
from scheduling.actions.cancel_workload import cancel_workload, resubmit_workload
from scheduling.models import Workload
from tests.factories import NOW
from tests.scheduling.builders import make_placement, make_pool, make_workload

pytestmark = pytest.mark.django_db


def test_cancelling_declines_the_proposed_placement():
    placement = make_placement(make_pool(), make_workload())
    cancelled = cancel_workload(workload=placement.workload, actor=SYSTEM, at=NOW)
    placement.refresh_from_db()
    assert (cancelled.state, placement.state) == ("cancelled", "declined")


def test_an_accepted_workload_is_not_cancelled_behind_its_order():
    placement = make_placement(make_pool(), make_workload())
    allocate_capacity(placement=placement, actor=SYSTEM, at=NOW)
    with pytest.raises(StaleState, match="accepted"):
        cancel_workload(workload=placement.workload, actor=SYSTEM, at=NOW)


def test_an_unplaced_workload_is_tried_again():
    workload = make_workload()
    Workload.objects.filter(pk=workload.pk).update(state="unplaced")
    assert resubmit_workload(workload=workload, actor=SYSTEM, at=NOW).state == "submitted"
    with pytest.raises(StaleState):
        resubmit_workload(workload=workload, actor=SYSTEM, at=NOW)
