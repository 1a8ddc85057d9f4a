"""A placement over HTTP: its enterprise declines it, and its workload is matched again."""

import pytest

from scheduling.models import Workload
from tests.factories import make_actor, make_organization
from tests.scheduling.builders import make_placement, make_pool, make_workload
from tests.vouchers.test_api import post

pytestmark = pytest.mark.django_db


def test_only_its_enterprise_declines_a_placement_and_only_once() -> None:
    pool, enterprise = make_pool(), make_organization("enterprise")
    placement = make_placement(pool, make_workload(enterprise=enterprise))
    where = f"/placements/{placement.pk}/decline"
    post(make_actor(make_organization("enterprise"), "enterprise_applicant"), where, expect=404)
    post(make_actor(pool.facility.provider, "provider_admin"), where, expect=403)
    applicant = make_actor(enterprise, "enterprise_applicant")
    assert post(applicant, where)["state"] == "declined"
    assert Workload.objects.get(pk=placement.workload_id).state == "submitted"
    assert post(applicant, where, expect=409)["code"] == "stale_state"
    assert post(applicant, "/orders", {"placement": placement.pk}, expect=409)["code"] == (
        "stale_state"
    )
