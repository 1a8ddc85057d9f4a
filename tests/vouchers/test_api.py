"""From preset to redeemed voucher over HTTP, and what strangers, auditors and mistakes get."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from audit.decisions import SYSTEM, Actor
from identity.models import Membership
from tests.factories import make_actor, make_key, make_organization
from tests.treasury.conftest import make_envelope
from tests.vouchers.office import (
    FIFTH,
    Office,
    apply,
    draft,
    make_applicant,
    make_office,
    make_preset,
    make_programme,
    make_voucher,
    reserve,
    zhongwei,
)
from tests.vouchers.rules.sheets import WAN
from vouchers.actions.award_subsidy import propose_award
from vouchers.actions.commit_redemption import commit_redemption
from vouchers.actions.load_presets import load_presets

pytestmark = pytest.mark.django_db

Call = Callable[..., Any]


@pytest.fixture
def office() -> Office:
    return make_office()


def as_(actor: Actor, *, language: str = "en") -> APIClient:
    membership = Membership.objects.get(
        user_id=actor.person_id, organization_id=actor.organization_id
    )
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=make_key(membership), HTTP_ACCEPT_LANGUAGE=language)
    return client


def post(actor: Actor, path: str, body: object = None, *, expect: int = 200) -> Any:
    response = as_(actor).post(f"/api/v1{path}", body, format="json")
    assert response.status_code == expect, response.content.decode()
    return response.json()


def get(actor: Actor, path: str, *, expect: int = 200) -> Any:
    response = as_(actor).get(f"/api/v1{path}")
    assert response.status_code == expect, response.content.decode()
    return response.json()


def test_a_preset_becomes_a_programme_and_a_question_becomes_a_voucher(office: Office) -> None:
    preset, applicant = make_preset(FIFTH), make_applicant()
    programme = post(
        office.drafter,
        "/programmes",
        {"preset": preset.pk, "code": "lf-2026", "name": "廊坊算力券", "supplied": []},
        expect=201,
    )
    assert programme["state"] == "draft"
    get(applicant, f"/programmes/{programme['id']}", expect=404)
    (version,) = programme["versions"]
    post(
        office.drafter,
        "/rule-test-cases",
        {
            "policy_version": version,
            "name": "five wan",
            "facts": {"contract_amount_fen": 5 * WAN},
            "asked_at": "2026-03-02T10:00:00+08:00",
            "expected_fen": 1 * WAN,
        },
        expect=201,
    )
    post(
        office.drafter,
        "/simulation-runs",
        {
            "policy_version": version,
            "data_set": "one claim made up",
            "csv_text": f"enterprise,on,contract_amount_fen\nA,2026-03-01,{5 * WAN}\n",
        },
        expect=201,
    )
    post(office.drafter, f"/policy-versions/{version}/submit")
    post(office.approver_1, f"/policy-versions/{version}/approve")
    again = post(office.approver_1, f"/policy-versions/{version}/approve", expect=403)
    assert again["code"] == "same_person"
    terms = post(office.approver_2, f"/policy-versions/{version}/approve")
    assert terms["state"] == "approved"
    assert "20%" in terms["text_en"]
    assert "20%" in terms["text_zh"]
    assert "contract_amount_fen" in terms["facts_schema"]["properties"]
    envelope = make_envelope(office.city, holding_fen=10 * WAN)
    active = post(
        office.drafter, f"/programmes/{programme['id']}/activate", {"envelope": envelope.pk}
    )
    assert (active["state"], active["envelope"]) == ("active", envelope.pk)

    question = {"programme": programme["id"], "facts": {"contract_amount_fen": 2 * WAN}}
    answer = post(applicant, "/entitlements", question, expect=201)
    assert (answer["decision"], answer["amount_fen"]) == ("granted", 2 * WAN // 5)
    assert answer["policy_version"] == "lf-2026@1"
    assert answer["reasons"]
    assert answer["steps"]
    assert answer["evaluation"]["facts"]
    assert get(applicant, f"/entitlements/{answer['id']}")["digest"] == answer["digest"]

    application = post(applicant, "/applications", question, expect=201)
    where = f"/applications/{application['id']}"
    assert application["state"] == "under_review"
    assert application["evaluation_digest"]
    post(office.reviewer, f"{where}/recommend")
    assert post(office.decider, f"{where}/approve")["state"] == "approved"
    day = (timezone.now() + timedelta(days=90)).date().isoformat()
    voucher = post(office.decider, f"{where}/issue", {"valid_through": day}, expect=201)
    assert (voucher["face_fen"], voucher["available_fen"]) == (answer["amount_fen"],) * 2
    assert voucher["state"] == "issued"
    claimed = post(applicant, f"/vouchers/{voucher['id']}/claim")
    assert claimed["state"] == "claimed"
    part = post(applicant, f"/vouchers/{voucher['id']}/quote", {"order_amount_fen": 100_00})
    assert (part["decision"], part["amount_fen"], part["own_part_fen"]) == ("granted", 2000, 8000)
    assert part["steps"]
    assert part["policy_version"] == "lf-2026@1"
    twice = post(applicant, f"/vouchers/{voucher['id']}/claim", expect=409)
    assert twice["code"] == "stale_state"


def test_a_voucher_shows_where_its_value_is(office: Office) -> None:
    voucher, holder = make_voucher(office)
    redemption = reserve(voucher, holder, 40_00)
    shown = get(holder, f"/vouchers/{voucher.pk}")
    figures = ("face_fen", "available_fen", "reserved_fen", "redeemed_fen", "lapsed_fen")
    assert [shown[name] for name in figures] == [1 * WAN, 1 * WAN - 40_00, 40_00, 0, 0]
    commit_redemption(
        redemption=redemption, amount_fen=30_00, actor=SYSTEM, at=redemption.reserved_at
    )
    shown = get(holder, f"/vouchers/{voucher.pk}")
    assert [shown[name] for name in figures] == [1 * WAN, 1 * WAN - 30_00, 0, 30_00, 0]
    (row,) = get(holder, f"/redemptions?voucher={voucher.pk}")["results"]
    assert (row["state"], row["committed_fen"]) == ("committed", 30_00)


def test_zhongweis_reward_over_http(office: Office) -> None:
    programme = make_programme(office, zhongwei(), holding_fen=300_000_000)
    platform = make_organization("platform")
    body = {
        "policy_version": programme.versions.get().pk,
        "beneficiary": platform.pk,
        "period_start": "2025-01-01",
        "period_end": "2026-01-01",
        "facts": {"annual_trade_volume_fen": 20_000_000_000},
    }
    award = post(office.decider, "/subsidy-awards", body, expect=201)
    assert (award["amount_fen"], award["state"]) == (200_000_000, "proposed")
    assert award["evaluation"]["decision"] == "granted"
    again = post(office.decider, "/subsidy-awards", body, expect=422)
    assert again["errors"][0]["field"] == "period_start"
    where = f"/subsidy-awards/{award['id']}"
    assert post(office.decider, f"{where}/approve", expect=403)["code"] == "same_person"
    post(office.second_decider, f"{where}/approve")
    assert post(office.third_decider, f"{where}/approve")["state"] == "approved"
    owner = make_actor(platform, "platform_operator")
    assert get(owner, where)["payable"]
    get(make_applicant(), where, expect=404)


def test_an_organization_sees_only_its_own(office: Office) -> None:
    voucher, holder = make_voucher(office)
    reserve(voucher, holder, 1_00)
    answer = post(
        holder,
        "/entitlements",
        {"programme": voucher.programme_id, "facts": {"contract_amount_fen": WAN}},
        expect=201,
    )
    mine = {
        f"/vouchers/{voucher.pk}",
        f"/applications/{voucher.application_id}",
        f"/redemptions/{voucher.redemptions.get().pk}",
        f"/entitlements/{answer['id']}",
    }
    stranger, other_city = make_applicant(), make_office()
    for path in mine:
        get(holder, path)
        get(stranger, path, expect=404)
        get(other_city.reviewer, path, expect=404)
        assert get(stranger, path.rsplit("/", 1)[0])["results"] == []
    post(stranger, f"/vouchers/{voucher.pk}/claim", expect=404)
    post(stranger, f"/applications/{voucher.application_id}/withdraw", expect=404)
    post(stranger, f"/vouchers/{voucher.pk}/quote", {"order_amount_fen": 1}, expect=404)


def test_an_auditor_reads_everything_and_writes_nothing(office: Office) -> None:
    voucher, _holder = make_voucher(office)
    hidden = draft(office)
    auditor = make_actor(make_organization("government"), "auditor")
    for path in (
        f"/vouchers/{voucher.pk}",
        f"/applications/{voucher.application_id}",
        f"/policy-versions/{hidden.pk}",
        f"/programmes/{hidden.programme_id}",
    ):
        get(auditor, path)
    for path in (f"/vouchers/{voucher.pk}/claim", f"/policy-versions/{hidden.pk}/submit"):
        assert post(auditor, path, expect=403)["code"] == "not_permitted"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/programmes", {"preset": "x", "code": "y", "name": "z"}),
        ("/applications/{application}/recommend", None),
        ("/applications/{application}/approve", None),
        ("/applications/{application}/reject", {"reason": "no"}),
        ("/applications/{application}/issue", {}),
        ("/policy-versions/{version}/approve", None),
        ("/subsidy-awards", {}),
    ],
)
def test_an_enterprise_does_no_officers_work(office: Office, path: str, body: object) -> None:
    programme, applicant = make_programme(office), make_applicant()
    application = apply(programme, applicant)
    where = path.format(application=application.pk, version=programme.versions.get().pk)
    assert post(applicant, where, body, expect=403)["code"] == "not_permitted"


def test_nobody_unknown_gets_in() -> None:
    assert APIClient().get("/api/v1/vouchers").status_code == 401


def test_every_wrong_fact_comes_back_in_the_readers_language(office: Office) -> None:
    programme, applicant = make_programme(office), make_applicant()
    body = {"programme": programme.pk, "facts": {"contract_amount_fen": "many", "colour": 1}}
    said = {}
    for language in ("en", "zh-CN"):
        response = as_(applicant, language=language).post("/api/v1/entitlements", body)
        assert response.status_code == 422
        problem = response.json()
        assert problem["code"] == "terms_refused"
        assert {each["field"] for each in problem["errors"]} == {"contract_amount_fen", "colour"}
        said[language] = problem["errors"][0]["detail"]
    assert said["en"].isascii()
    assert not said["zh-CN"].isascii()


def test_a_refused_application_names_each_clause_in_both_languages(office: Office) -> None:
    programme, applicant = make_programme(office), make_applicant()
    make_voucher(office, programme=programme, applicant=applicant)
    body = {"programme": programme.pk, "facts": {"contract_amount_fen": WAN}}
    details = []
    for language in ("en", "zh-CN"):
        problem = as_(applicant, language=language).post("/api/v1/applications", body).json()
        assert (problem["status"], problem["code"]) == (409, "not_entitled")
        assert problem["errors"][0]["clause"] == "/caps/0"
        details.append(problem["errors"][0]["detail"])
    assert details[0].isascii()
    assert not details[1].isascii()


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/entitlements", {"programme": 0, "facts": {}}, "programme"),
        ("/entitlements", {"facts": {}}, "programme"),
        ("/applications", {"programme": 1, "facts": [1]}, "facts"),
        ("/vouchers/{voucher}/quote", {"order_amount_fen": -1}, "order_amount_fen"),
        ("/vouchers/{voucher}/quote", {"order_amount_fen": 1.5}, "order_amount_fen"),
        ("/vouchers/{voucher}/quote", {"order_amount_fen": 1, "provider": 0}, "provider"),
    ],
)
def test_a_wrong_field_is_named(office: Office, path: str, body: object, field: str) -> None:
    voucher, holder = make_voucher(office)
    problem = post(holder, path.format(voucher=voucher.pk), body, expect=422)
    assert problem["errors"][0]["field"] == field


def test_a_rejection_needs_a_reason_and_keeps_it(office: Office) -> None:
    applicant = make_applicant()
    application = apply(make_programme(office), applicant)
    where = f"/applications/{application.pk}"
    post(office.reviewer, f"{where}/reject", {}, expect=422)
    post(office.reviewer, f"{where}/reject", {"reason": "合同缺页"})
    seen = get(applicant, where)
    assert (seen["state"], seen["reason"]) == ("rejected", "合同缺页")
    stale = post(applicant, f"{where}/withdraw", expect=409)
    assert stale["facts"]["current"] == "rejected"


def test_every_published_preset_can_be_read_and_asked(office: Office) -> None:
    load_presets(actor=SYSTEM, at=timezone.now())
    applicant = make_applicant()
    assert get(applicant, "/presets/kunming-pue-1.25")["id"] == "kunming-pue-1.25"
    (row,) = get(applicant, "/presets?adcode=131000&kind=demand_voucher")["results"]
    assert row["id"] == "langfang-2023"
    assert "document" not in row
    asked = post(
        applicant,
        "/presets/zhongwei-platform-trade-1pct/evaluate",
        {"facts": {"annual_trade_volume_fen": 1_000_000_000}},
    )
    assert asked["amount_fen"] == 10_000_000
    schema = get(applicant, "/presets/zhongwei-platform-trade-1pct/facts-schema")
    assert "annual_trade_volume_fen" in schema["properties"]


def test_lists_cost_the_same_for_one_row_and_for_many(
    office: Office, django_assert_max_num_queries: Call
) -> None:
    programme = make_programme(office)
    award_programme = make_programme(office, zhongwei(), holding_fen=900_000_000)

    def add() -> None:
        voucher, holder = make_voucher(office, programme=programme)
        reserve(voucher, holder, 1_00)
        question = {"programme": programme.pk, "facts": {"contract_amount_fen": WAN}}
        post(holder, "/entitlements", question, expect=201)
        draft(office)
        propose_award(
            version=award_programme.versions.get(),
            beneficiary=make_organization("platform"),
            period_start=voucher.valid_from.date().replace(year=2025, month=1, day=1),
            period_end=voucher.valid_from.date().replace(year=2026, month=1, day=1),
            facts={"annual_trade_volume_fen": 1_000_000_000},
            actor=office.decider,
            at=voucher.valid_from,
        )

    auditor = as_(make_actor(make_organization("government"), "auditor"))
    paths = (
        "programmes",
        "policy-versions",
        "entitlements",
        "applications",
        "vouchers",
        "redemptions",
        "subsidy-awards",
        "presets",
    )

    def counted() -> dict[str, tuple[int, int]]:
        found = {}
        for path in paths:
            with django_assert_max_num_queries(12) as queries:
                rows = auditor.get(f"/api/v1/{path}").json()["results"]
            found[path] = (len(rows), len(queries))
        return found

    add()
    few = counted()
    for _ in range(3):
        add()
    many = counted()
    for path in paths:
        assert many[path][0] > few[path][0], path
        assert many[path][1] == few[path][1], path
