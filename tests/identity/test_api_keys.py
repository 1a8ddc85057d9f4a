"""Keys for machines: issued by a person, shown once, revoked at once."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from audit.models import AuditEvent
from identity.models import ApiKey
from marketplace.models import IdempotentAnswer
from tests.marketplace.http.conftest import Caller, make_caller

pytestmark = pytest.mark.django_db


@pytest.fixture
def caller() -> Caller:
    return make_caller("enterprise", "enterprise_applicant")


@pytest.fixture
def person(caller: Caller) -> Client:
    client = Client()
    client.force_login(caller.membership.user)
    return client


def _issue(client: Client, **headers: str) -> Any:
    return client.post(
        "/api/v1/api-keys", {"name": "erp"}, content_type="application/json", headers=headers
    )


def test_a_signed_in_person_issues_a_key_that_opens_the_door(caller, person):
    answer = _issue(person)
    assert answer.status_code == 201
    key = f"Api-Key {answer.json()['key']}"
    me = Client().get("/api/v1/me", headers={"Authorization": key}).json()
    assert me["person_id"] == caller.membership.user_id
    assert AuditEvent.objects.filter(kind="api_key.issued", data__name="erp").exists()


def test_a_key_issues_no_key(caller):
    answer = caller.post("api-keys", {"name": "another"})
    assert (answer.status_code, answer.json()["code"]) == (403, "key_needs_person")


def test_the_key_is_shown_once_and_kept_nowhere(person):
    plain = _issue(person, **{"Idempotency-Key": "k"}).json()["key"]
    again = _issue(person, **{"Idempotency-Key": "k"})
    assert (again.status_code, again.json()["code"]) == (409, "answer_not_kept")
    assert not IdempotentAnswer.objects.filter(body__contains=plain).exists()
    assert ApiKey.objects.filter(name="erp").count() == 1
    listed = person.get("/api/v1/api-keys").json()["results"]
    assert plain not in str(listed)


def test_a_revoked_key_opens_nothing_and_others_keys_are_not_found(caller, person):
    plain = _issue(person).json()["key"]
    prefix = plain.partition(".")[0]
    stranger = make_caller("enterprise", "enterprise_applicant")
    assert stranger.post(f"api-keys/{prefix}/revoke").status_code == 404
    assert person.post(f"/api/v1/api-keys/{prefix}/revoke").json()["revoked"] is True
    headers = {"Authorization": f"Api-Key {plain}"}
    assert Client().get("/api/v1/me", headers=headers).status_code == 401


def test_an_auditor_sees_every_key_and_revokes_none_of_others(caller):
    auditor = make_caller("government", "auditor")
    prefix = ApiKey.objects.get(membership=caller.membership).prefix
    assert prefix in {row["prefix"] for row in auditor.get("api-keys").json()["results"]}
    assert auditor.post(f"api-keys/{prefix}/revoke").status_code in (403, 404)


def test_an_end_in_the_past_is_refused(person):
    body = {"name": "erp", "expires_at": (timezone.now() - timedelta(1)).isoformat()}
    answer = person.post("/api/v1/api-keys", body, content_type="application/json")
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "expires_at")
