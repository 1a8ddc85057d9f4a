"""Next year's terms: written by an officer, checked at once, in force only when approved."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from audit.decisions import NotFound, NotPermitted, StaleState
from tests.factories import NOW
from tests.marketplace.http.conftest import make_caller
from tests.vouchers import office as office_tools
from tests.vouchers.office import (
    FIFTH,
    attach_trial,
    make_office,
    make_programme,
    try_out,
)
from tests.vouchers.rules.sheets import WAN, document, rate_line, year_cap
from vouchers.actions.approve_policy_version import approve_policy_version, submit_policy_version
from vouchers.actions.draft_policy_version import draft_policy_version
from vouchers.models import PolicyVersion
from vouchers.queries import version_in_force
from vouchers.refusals import TermsIncomplete, TermsRefused

pytestmark = pytest.mark.django_db
THIRD = document(rate_line("1/3"), caps=[year_cap(2 * WAN)])
NEXT_YEAR = NOW + timedelta(days=300)


@pytest.fixture
def office(db):
    return make_office()


@pytest.fixture
def programme(office):
    return make_programme(office)


def draft(office, programme, terms=THIRD, **more):
    return draft_policy_version(
        programme=programme,
        terms=terms,
        effective_from=more.get("effective_from", NEXT_YEAR),
        actor=more.get("actor", office.drafter),
        at=NOW,
    )


def test_the_next_terms_take_effect_when_they_say_and_not_before(office, programme):
    version = draft(office, programme)
    assert (version.number, version.state) == (2, "draft")
    submit_policy_version(version=version, actor=office.drafter, at=NOW)
    try_out(office, version)
    for approver in (office.approver_1, office.approver_2):
        approve_policy_version(version=version, actor=approver, at=NOW)
    assert version_in_force(programme, at=NEXT_YEAR - timedelta(seconds=1)).number == 1
    assert version_in_force(programme, at=NEXT_YEAR).number == 2


def test_terms_that_contradict_themselves_are_refused_with_a_pointer(office, programme):
    terms = document(rate_line("0.2"), minimums={"award_fen": 2 * WAN}, caps=[year_cap(WAN)])
    with pytest.raises(TermsRefused) as refused:
        draft(office, programme, terms)
    assert refused.value.reasons()[0].field
    assert programme.versions.count() == 1


def test_terms_with_something_unknown_are_not_drafted(office, programme):
    with pytest.raises(TermsIncomplete):
        draft(office, programme, document(rate_line(None)))


def test_only_the_issuers_own_drafter_writes_terms(office, programme):
    with pytest.raises(NotPermitted):
        draft(office, programme, actor=office.approver_1)
    with pytest.raises(NotFound):
        draft(office, programme, actor=make_office().drafter)


def test_a_closed_programme_gets_no_new_terms(office, programme):
    for state in ("closing", "closed"):
        programme.state = state
        programme.save(update_fields=["state"])
    with pytest.raises(StaleState):
        draft(office, programme)


@pytest.fixture
def drafter(office):
    return make_caller("government", "policy_drafter", organization=office.organization)


def test_a_check_reads_a_draft_and_stores_nothing(drafter):
    text = "schema_version: 1\nprogramme: {id: t, name_zh: 测试}\nkind: voucher\n" + (
        "benefit: {combine: max_of, lines: [{id: a, mechanic: rate,"
        " basis: contract_amount_fen, rate: '0.2', cap_fen: 200000000}]}\n"
    )
    told = drafter.post("policy-versions/check", {"text": text}).json()
    assert told["problems"] == []
    assert "20%" in told["clauses"][0]["text_zh"]
    assert told["can_be_submitted"] is True
    assert not PolicyVersion.objects.exists()


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"text": "a: ["}, ""),
        ({"text": "kind: nothing"}, "/kind"),
        ({"terms": {**FIFTH, "kind": "coupon"}}, "/kind"),
    ],
)
def test_a_check_points_at_what_is_wrong(drafter, body, pointer):
    told = drafter.post("policy-versions/check", body).json()
    assert pointer in [each["pointer"] for each in told["problems"]]
    assert all(each["text_zh"] and each["text_en"] for each in told["problems"])
    assert told["can_be_submitted"] is False


def test_a_check_needs_one_text_or_one_document_and_a_drafter(drafter):
    both = drafter.post("policy-versions/check", {"text": "a", "terms": {}})
    assert both.status_code == 422
    assert make_caller("enterprise").post("policy-versions/check", {}).status_code == 403


def test_a_draft_is_made_over_http(drafter, programme, monkeypatch):
    monkeypatch.setattr(timezone, "now", lambda: NOW)
    body = {"programme": programme.pk, "terms": THIRD, "effective_from": NEXT_YEAR.isoformat()}
    answer = drafter.post("policy-versions", body)
    assert answer.status_code == 201, answer.json()
    assert answer.json()["number"] == 2
    stranger = make_caller("government", "policy_drafter")
    assert stranger.post("policy-versions", body).status_code in (404, 422)


CONTRADICTIONS = [
    (
        document(rate_line("0.2"), caps=[year_cap(WAN)], minimums={"award_fen": 2 * WAN}),
        "/caps/0/amount_fen",
    ),
    (
        document(
            {
                "id": "t",
                "mechanic": "tiers_marginal",
                "basis": "contract_amount_fen",
                "tiers": [
                    {"from_fen": 0, "up_to_fen": 10, "rate": "0.1"},
                    {"from_fen": 9, "rate": "0.2"},
                ],
            }
        ),
        "/benefit/lines/0/tiers/1/from_fen",
    ),
    (document(rate_line("0.2"), stacking={"after": ["test"]}), "/stacking/after"),
]


@pytest.mark.parametrize(("terms", "pointer"), CONTRADICTIONS)
def test_form_and_api_refuse_a_contradiction_at_its_field(drafter, programme, terms, pointer):
    told = drafter.post("policy-versions/check", {"terms": terms}).json()
    assert [each["pointer"] for each in told["problems"]] == [pointer]
    body = {"programme": programme.pk, "terms": terms, "effective_from": NEXT_YEAR.isoformat()}
    answer = drafter.post("policy-versions", body)
    assert answer.status_code == 422
    assert [each["field"] for each in answer.json()["errors"]] == [pointer]


def test_form_and_api_refuse_a_ring_of_programmes(office, drafter, programme):
    first = document(rate_line("0.2"), stacking={"after": ["second"]})
    make_programme(office, {**first, "programme": {"id": "first", "name_zh": "甲"}})
    second = document(rate_line("0.2"), stacking={"after": ["first"]})
    second["programme"] = {"id": "second", "name_zh": "乙"}
    told = drafter.post("policy-versions/check", {"terms": second}).json()
    assert [each["pointer"] for each in told["problems"]] == ["/stacking/after"]
    assert told["can_be_submitted"] is False
    body = {"programme": programme.pk, "terms": second, "effective_from": NEXT_YEAR.isoformat()}
    answer = drafter.post("policy-versions", body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "/stacking/after"


def test_a_ring_that_two_drafts_close_is_refused_at_the_last_signature(office):
    versions = []
    for name, after in (("first", "second"), ("second", "first")):
        terms = document(rate_line("0.2"), stacking={"after": [after]})
        version = office_tools.draft(office, {**terms, "programme": {"id": name, "name_zh": "甲"}})
        attach_trial(version, office.drafter.person_id)
        submit_policy_version(version=version, actor=office.drafter, at=NOW)
        approve_policy_version(version=version, actor=office.approver_1, at=NOW)
        versions.append(version)
    one, other = versions
    approve_policy_version(version=one, actor=office.approver_2, at=NOW)
    with pytest.raises(TermsRefused, match="first"):
        approve_policy_version(version=other, actor=office.approver_2, at=NOW)
    other.refresh_from_db()
    assert other.state == "half_approved"


def test_terms_that_contradict_themselves_are_refused_at_the_last_signature(office):
    version = office_tools.draft(office)
    attach_trial(version, office.drafter.person_id)
    submit_policy_version(version=version, actor=office.drafter, at=NOW)
    approve_policy_version(version=version, actor=office.approver_1, at=NOW)
    with connection.cursor() as cursor:  # as if drafted before this was refused
        cursor.execute("SET LOCAL session_replication_role = replica")
        above_the_cap = {**version.terms, "minimums": {"award_fen": 2 * WAN}}
        PolicyVersion.objects.filter(pk=version.pk).update(terms=above_the_cap)
        cursor.execute("SET LOCAL session_replication_role = origin")
    version.refresh_from_db()
    with pytest.raises(TermsRefused) as refusal:
        approve_policy_version(version=version, actor=office.approver_2, at=NOW)
    assert [reason.field for reason in refusal.value.reasons()] == ["/caps/0/amount_fen"]
    version.refresh_from_db()
    assert version.state == "half_approved"


def test_form_and_api_refuse_a_past_day_without_a_third_approval(drafter, programme):
    past = {"terms": THIRD, "effective_from": "2020-01-01T00:00:00+08:00"}
    told = drafter.post("policy-versions/check", past).json()
    assert [each["pointer"] for each in told["problems"]] == ["/effective_from"]
    answer = drafter.post("policy-versions", past | {"programme": programme.pk})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "effective_from"
    said = past | {"programme": programme.pk, "retroactive": True}
    assert (
        drafter.post("policy-versions/check", past | {"retroactive": True}).json()["problems"] == []
    )
    assert drafter.post("policy-versions", said).json()["retroactive"] is True
