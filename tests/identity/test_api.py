"""Who am I, who is registered, who acts for whom, over HTTP."""

from datetime import timedelta

import pytest
from django.utils import timezone

from identity.models import ApiKey, Organization
from tests.factories import make_organization, make_uscc
from tests.marketplace.http.conftest import make_caller

pytestmark = pytest.mark.django_db


def test_me_says_person_organization_and_roles():
    caller = make_caller("government", "budget_officer", "auditor")
    me = caller.get("me").json()
    assert me["person_id"] == caller.membership.user_id
    assert me["organization"]["id"] == caller.membership.organization_id
    assert me["roles"] == ["auditor", "budget_officer"]


def test_an_enterprise_sees_itself_and_an_officer_the_register():
    enterprise = make_caller("enterprise", "enterprise_applicant")
    officer = make_caller("government", "reviewer")
    mine = enterprise.get("organizations").json()["results"]
    assert [each["id"] for each in mine] == [enterprise.membership.organization_id]
    assert len(officer.get("organizations").json()["results"]) == 2
    other = officer.membership.organization_id
    assert enterprise.get(f"organizations/{other}").status_code == 404


def test_an_officer_registers_an_organization_and_an_enterprise_does_not():
    body = {"kind": "enterprise", "name": "某某科技", "uscc": make_uscc(), "adcode": "131000"}
    assert (
        make_caller("enterprise", "enterprise_applicant").post("organizations", body).status_code
        == 403
    )
    answer = make_caller("government", "reviewer").post("organizations", body)
    assert answer.status_code == 201
    assert Organization.objects.get(uscc=body["uscc"]).name == "某某科技"


def test_memberships_are_seen_by_their_own_organization_and_the_auditor():
    one, two = make_caller("enterprise", "enterprise_applicant"), make_caller("provider")
    auditor = make_caller("government", "auditor")
    seen = [each["id"] for each in one.get("memberships").json()["results"]]
    assert seen == [one.membership.pk]
    everybody = {each["id"] for each in auditor.get("memberships").json()["results"]}
    assert {one.membership.pk, two.membership.pk} <= everybody


@pytest.mark.parametrize("path", ["organizations", "memberships"])
def test_a_list_costs_the_same_however_long_it_is(path, django_assert_max_num_queries):
    auditor = make_caller("government", "auditor")
    for _ in range(5):
        make_caller("enterprise", "enterprise_applicant")
    with django_assert_max_num_queries(8):
        assert len(auditor.get(path).json()["results"]) >= 5


def test_a_list_is_walked_by_cursor():
    auditor = make_caller("government", "auditor")
    for _ in range(4):
        make_organization()
    first = auditor.get("organizations?page_size=3").json()
    second = auditor.client.get(first["next"], headers={"Authorization": auditor.key}).json()
    ids = [each["id"] for each in first["results"] + second["results"]]
    assert len(ids) == 5
    assert ids == sorted(ids, reverse=True)


def test_an_expired_or_revoked_key_opens_nothing():
    caller = make_caller("enterprise")
    key = ApiKey.objects.get(membership=caller.membership)
    key.expiry_date = timezone.now() - timedelta(seconds=1)
    key.save()
    assert caller.get("me").status_code == 401
    key.expiry_date, key.revoked = None, True
    key.save()
    assert caller.get("me").status_code == 401


def test_a_person_who_left_has_no_key():
    caller = make_caller("enterprise")
    caller.membership.user.is_active = False
    caller.membership.user.save()
    assert caller.get("me").status_code == 401
