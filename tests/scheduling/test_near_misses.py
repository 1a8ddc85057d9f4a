"""What a provider almost won and why it lost, without a word about who won."""

import pytest
from rest_framework.test import APIClient

from identity.roles import Role
from scheduling.models import Placement, Workload
from scheduling.near_misses import near_misses
from tests.factories import make_key, make_membership, make_organization
from tests.scheduling.builders import make_workload
from tests.scheduling.test_run_matching import match, offered

pytestmark = pytest.mark.django_db


def client_of(organization, role) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=make_key(make_membership(organization, role)))
    return client


def test_the_dearer_pool_is_told_by_how_much_it_lost():
    cheap, dear = offered(price_fen=700), offered(price_fen=800)
    make_workload(units=2, hours=3)
    match()
    assert Placement.objects.get().pool == cheap
    (lost,) = near_misses(provider_id=dear.facility.provider_id)
    assert (lost.pool_code, lost.lost_because, lost.price_delta_fen) == (dear.code, "price", 600)
    assert lost.cheaper_by_fen == 101
    assert "¥1.01" in lost.text_en
    assert "¥1.01" in lost.text_zh
    assert cheap.code not in str(lost)
    assert near_misses(provider_id=cheap.facility.provider_id) == []


def test_a_workload_left_out_is_a_near_miss_of_the_pools_it_could_have_had():
    pool = offered(price_fen=800)
    workload = make_workload(units=2)
    Workload.objects.filter(pk=workload.pk).update(max_price_fen_per_unit_hour=700)
    match()
    (lost,) = near_misses(provider_id=pool.facility.provider_id)
    assert (lost.placed_elsewhere, lost.lost_because) == (False, "limit")


def test_a_provider_hears_of_its_own_pools_only_and_an_enterprise_of_none():
    cheap, dear = offered(price_fen=700), offered(price_fen=800)
    make_workload(units=2, hours=3)
    match()
    heard = [
        [row["pool_code"] for row in client_of(org, role).get("/api/v1/near-misses").json()]
        for org, role in (
            (dear.facility.provider, Role.PROVIDER_ADMIN),
            (cheap.facility.provider, Role.PROVIDER_ADMIN),
            (make_organization(), Role.ENTERPRISE_APPLICANT),
        )
    ]
    assert heard == [[dear.code], [], []]


def test_the_story_told_at_once_is_the_story_replayed_from_what_was_stored():
    offered(price_fen=700)
    offered(price_fen=800)
    workload = make_workload(units=2, hours=3)
    match()
    told = Placement.objects.get().explanation
    Placement.objects.update(explanation={})
    client = client_of(workload.enterprise, Role.ENTERPRISE_APPLICANT)
    placement = Placement.objects.get()
    again = client.get(f"/api/v1/placements/{placement.pk}/explanation").json()
    assert again == told
    assert placement.pool.facility.name in again["text_zh"]


def test_the_week_is_for_who_may_see_runs():
    offered()
    workload = make_workload()
    run = match()
    government = client_of(make_organization("government"), Role.AUDITOR)
    week = government.get(f"/api/v1/match-runs/{run.pk}/week").json()
    assert [len(week["rows"][0][name]) for name in ("capacity", "load", "shadow_fen")] == [168] * 3
    assert week["signals"][0]["quality"] == "flat"
    enterprise = client_of(workload.enterprise, Role.ENTERPRISE_APPLICANT)
    assert enterprise.get(f"/api/v1/match-runs/{run.pk}/week").status_code == 404


def test_a_provider_closes_its_own_pool_only():
    pool, other = offered(), offered()
    client = client_of(pool.facility.provider, Role.PROVIDER_ADMIN)
    said = {
        "kind": "outage",
        "starts_at": "2099-01-01T00:00:00+08:00",
        "ends_at": "2099-01-02T00:00:00+08:00",
    }
    answers = [
        client.post("/api/v1/closures", {**said, "pool": each.pk}, format="json").status_code
        for each in (pool, other)
    ]
    assert answers == [201, 404]
    closure = client.get("/api/v1/closures").json()["results"][0]
    lifted = client.post(f"/api/v1/closures/{closure['id']}/lift")
    assert lifted.json()["lifted_at"]
