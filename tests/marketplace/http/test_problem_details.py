"""Every refusal says what and why, in the reader's language, with a code for programs."""

import pytest
from django.db import OperationalError, connection
from django.test import Client

from tests.factories import make_uscc
from tests.marketplace.http.conftest import make_caller

pytestmark = pytest.mark.django_db


@pytest.fixture
def envelope_id(officer, envelope_body):
    return officer.post("envelopes", envelope_body()).json()["id"]


def test_a_stranger_is_asked_who_they_are():
    answer = Client().get("/api/v1/envelopes")
    assert answer.status_code == 401
    assert answer["Content-Type"] == "application/problem+json"
    assert answer["WWW-Authenticate"] == "Api-Key"


def test_a_key_nobody_was_given_opens_nothing():
    answer = Client().get("/api/v1/me", headers={"Authorization": "Api-Key abc.def"})
    assert answer.status_code == 401


@pytest.mark.parametrize(
    ("language", "said"), [("en", "The Envelope is"), ("zh-hans", "该预算额度当前状态为“已编制”")]
)
def test_a_stale_state_is_told_with_the_current_one_in_both_languages(
    officer, envelope_id, language, said
):
    answer = officer.post(f"envelopes/{envelope_id}/open", Accept_Language=language)
    body = answer.json()
    assert (answer.status_code, body["code"]) == (409, "stale_state")
    assert body["facts"]["current"] == "drafted"
    assert said.lower() in body["detail"].lower()
    assert body["type"] == "urn:suanquan:problem:stale_state"


def test_an_object_of_somebody_else_is_not_there(envelope_id):
    stranger = make_caller("government", "budget_officer")
    assert stranger.get(f"envelopes/{envelope_id}").status_code == 404
    answer = stranger.post(f"envelopes/{envelope_id}/open")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert stranger.get("envelopes").json()["results"] == []


def test_an_unknown_object_looks_the_same_as_a_foreign_one(envelope_id):
    stranger = make_caller("government", "budget_officer")
    foreign, unknown = (stranger.get(f"envelopes/{pk}").json() for pk in (envelope_id, 10**9))
    assert foreign == unknown


def test_an_auditor_reads_everything_and_writes_nothing(auditor, envelope_id, envelope_body):
    assert auditor.get(f"envelopes/{envelope_id}").status_code == 200
    for path, body in (
        ("envelopes", envelope_body("x")),
        (f"envelopes/{envelope_id}/open", {}),
        ("organizations", {}),
        ("bank-accounts", {}),
    ):
        answer = auditor.post(path, body)
        assert (answer.status_code, answer.json()["code"]) == (403, "not_permitted"), path


def test_without_the_role_there_is_no_right_and_the_role_is_named(enterprise, envelope_body):
    answer = enterprise.post("envelopes", envelope_body(), Accept_Language="en")
    assert answer.status_code == 403
    assert "budget_officer" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("budget_year", "soon"),
        ("budget_year", 1999),
        ("name", ""),
        ("name", None),
        ("programme_code", "x" * 101),
    ],
)
def test_a_wrong_field_is_named(officer, envelope_body, field, value):
    answer = officer.post("envelopes", envelope_body() | {field: value})
    assert answer.status_code == 422
    assert [each["field"] for each in answer.json()["errors"]] == [field]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("uscc", make_uscc()[:-1] + "0"),
        ("uscc", "911310000000"),
        ("adcode", "990000"),
        ("adcode", "1310"),
        ("kind", "bank"),
    ],
)
def test_a_wrong_organization_is_refused_with_field_and_reason(officer, field, value):
    body = {"kind": "enterprise", "name": "A", "uscc": make_uscc(), "adcode": "131000"}
    if field == "uscc" and value == body["uscc"]:
        value = value[:-1] + "1"
    answer = officer.post("organizations", body | {field: value})
    assert answer.status_code == 422, answer.content
    (error,) = answer.json()["errors"]
    assert error["field"] == field


@pytest.mark.parametrize("amount", [0, -1, 1.5, "1e3", 2**53, None])
def test_an_amount_that_is_no_money_is_refused(officer, envelope_id, amount):
    source = officer.post("funding-sources", {"name": "s", "level": "city"}).json()["id"]
    answer = officer.post(
        "appropriations",
        {"envelope": envelope_id, "funding_source": source, "amount_fen": amount},
    )
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "amount_fen"


def test_a_body_that_is_no_json_is_refused(officer):
    answer = officer.client.post(
        "/api/v1/envelopes",
        data="{",
        content_type="application/json",
        headers={"Authorization": officer.key},
    )
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"


class TestWithoutADatabase:
    @pytest.fixture
    def _down(self):
        def refuse(*_args):
            raise OperationalError("the server closed the connection")

        with connection.execute_wrapper(refuse):
            yield

    @pytest.mark.usefixtures("_down")
    def test_reading_is_503_with_a_time_to_come_back(self, officer_key):
        answer = Client().get("/api/v1/envelopes", headers={"Authorization": officer_key})
        assert (answer.status_code, answer["Retry-After"]) == (503, "5")
        assert answer.json()["code"] == "database_unavailable"

    @pytest.mark.usefixtures("_down")
    def test_writing_with_a_key_is_503_too(self, officer_key):
        answer = Client(raise_request_exception=False).post(
            "/api/v1/envelopes",
            data="{}",
            content_type="application/json",
            headers={"Authorization": officer_key, "Idempotency-Key": "k1"},
        )
        assert answer.status_code == 503
        assert answer.json()["code"] == "database_unavailable"

    @pytest.mark.usefixtures("_down")
    def test_ready_turns_false_and_live_stays_true(self):
        ready = Client().get("/health/ready")
        assert (ready.status_code, ready.json()["status"]) == (503, "not ready")
        assert Client().get("/health/live").status_code == 200

    @pytest.fixture
    def officer_key(self):
        return "Api-Key abcdefgh.ijklmnop"


def test_ready_with_a_database(officer):
    assert Client().get("/health/ready").json()["checks"]["database"] == "ok"
