"""A claim over HTTP, state by state, each with who may do it."""

from typing import Any

import pytest

from audit.decisions import Actor
from tests.factories import make_actor, make_organization
from tests.vouchers.claims import Case, evidence
from tests.vouchers.office import make_office
from tests.vouchers.rules.sheets import WAN
from tests.vouchers.test_api import get, post
from treasury.models import Payable

pytestmark = pytest.mark.django_db


@pytest.fixture
def case() -> Case:
    return Case(make_office())


def plain(value: Any) -> Any:
    """Dates as JSON writes them."""
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [plain(each) for each in value]
    return value.isoformat() if hasattr(value, "isoformat") else value


def submit(case: Case, *, actor: Actor | None = None, expect: int = 201, **changed: Any) -> Any:
    body = plain(evidence(case.enterprise, case.seller) | changed)
    body["programme"] = case.programme.pk
    return post(actor or case.claimant, "/claims", body, expect=expect)


def in_notice(case: Case) -> str:
    """Where a claim in public notice is."""
    where = f"/claims/{submit(case)['id']}"
    for actor in case.stages():
        told = post(actor, f"{where}/pass", {})
    assert told["state"] == "public_notice"
    return where


def test_a_claim_is_checked_reviewed_noticed_approved_and_owed(case: Case) -> None:
    told = submit(case)
    assert (told["state"], told["stage"], told["amount_fen"]) == ("in_review", "county", 2 * WAN)
    for actor in case.stages():
        post(actor, f"/claims/{told['id']}/pass", {})
    # The notice of one that was passed last March is over today.
    told = post(case.office.decider, f"/claims/{case.passed().pk}/conclude")
    assert told["state"] == "approved"
    payable = Payable.objects.get(pk=told["payable"])
    assert (payable.state, payable.amount_fen, payable.payee) == (
        "proposed",
        2 * WAN,
        case.enterprise,
    )
    for actor in (case.office.second_decider, case.office.third_decider):
        post(actor, f"/payables/{payable.pk}/approve")
    payable.refresh_from_db()
    assert payable.state == "approved"


def test_the_same_invoice_is_refused_and_says_which(case: Case) -> None:
    body = plain(evidence(case.enterprise, case.seller))
    submit(case, **body)
    other = plain(evidence(case.enterprise, case.seller)) | {"invoices": body["invoices"]}
    problem = submit(case, expect=409, **other)
    assert problem["code"] == "evidence_used_before"
    assert "invoice" in problem["detail"]


def test_every_piece_of_evidence_that_fails_is_named_at_once(case: Case) -> None:
    contract = evidence(case.enterprise, case.seller)["contract"]
    problem = submit(
        case,
        expect=422,
        contract=contract | {"ends_on": contract["starts_on"]},
        invoices=["<EInvoice/>"],
    )
    assert len(problem["errors"]) >= 2


def test_only_an_applicant_claims_and_never_an_amount(case: Case) -> None:
    submit(case, actor=case.office.reviewer, expect=403)
    problem = submit(case, expect=422, facts={"contract_amount_fen": 9 * WAN})
    assert problem["errors"][0]["field"] == "facts.contract_amount_fen"


def test_a_supplement_stops_the_clock_and_only_the_claimant_brings_it(case: Case) -> None:
    where = f"/claims/{submit(case)['id']}"
    post(case.claimant, f"{where}/return", {"reason": "mine"}, expect=403)
    told = post(case.office.reviewer, f"{where}/return", {"reason": "盖章页缺失"})
    assert told["state"] == "returned"
    assert told["clock_stopped_at"] is not None
    post(case.office.reviewer, f"{where}/supplement", {"note": "for them"}, expect=403)
    stranger = make_actor(make_organization("enterprise"), "enterprise_applicant")
    post(stranger, f"{where}/supplement", {"note": "not mine"}, expect=404)
    told = post(case.claimant, f"{where}/supplement", {"note": "已补"})
    assert (told["state"], told["stage"], told["clock_stopped_at"]) == ("in_review", "county", None)


def test_a_withdrawn_claim_frees_its_evidence(case: Case) -> None:
    body = plain(evidence(case.enterprise, case.seller))
    where = f"/claims/{submit(case, **body)['id']}"
    post(case.office.reviewer, f"{where}/withdraw", expect=403)
    assert post(case.claimant, f"{where}/withdraw")["state"] == "withdrawn"
    post(case.office.reviewer, f"{where}/pass", {}, expect=409)
    assert submit(case, **body)["state"] == "in_review"


def test_each_stage_is_another_persons_and_needs_its_role(case: Case) -> None:
    where = f"/claims/{submit(case)['id']}"
    post(case.claimant, f"{where}/pass", {}, expect=403)
    post(case.office.reviewer, f"{where}/pass", {})
    assert post(case.office.reviewer, f"{where}/pass", {}, expect=403)["code"] == "same_person"
    post(case.second_reviewer, f"{where}/pass", {})
    assert post(case.third_reviewer, f"{where}/pass", {}, expect=403)["code"] == "not_permitted"
    assert post(case.office.decider, f"{where}/pass", {})["state"] == "public_notice"
    assert [review["stage"] for review in get(case.claimant, where)["reviews"]] == [
        "county",
        "municipal",
        "finance",
    ]


def test_a_notice_runs_its_days_and_is_read_by_everybody(case: Case) -> None:
    where = in_notice(case)
    assert post(case.office.decider, f"{where}/conclude", expect=409)["code"] == "notice_still_runs"
    rival = make_actor(make_organization("enterprise"), "enterprise_applicant")
    (row,) = get(rival, "/public-notices")["results"]
    assert row["amount_fen"] == 2 * WAN
    assert "evaluation" not in row


def test_an_objection_is_decided_by_somebody_new(case: Case) -> None:
    rival = make_actor(make_organization("enterprise"), "enterprise_applicant")
    notice = in_notice(case).replace("claims", "public-notices") + "/object"
    post(case.claimant, notice, {"text": "mine"}, expect=404)
    objection = post(rival, notice, {"text": "never delivered"}, expect=201)
    decide, no = f"/objections/{objection['id']}/decide", {"upheld": False, "reason": "delivered"}
    assert post(case.office.reviewer, decide, no, expect=403)["code"] == "same_person"
    assert post(case.third_reviewer, decide, no)["state"] == "dismissed"
    post(case.third_reviewer, decide, no, expect=409)


def test_an_appeal_is_heard_by_somebody_new(case: Case) -> None:
    where = f"/claims/{submit(case)['id']}"
    post(case.claimant, f"{where}/appeal", {"reason": "early"}, expect=409)
    post(case.office.reviewer, f"{where}/reject", {"reason": "unclear"})
    assert post(case.claimant, f"{where}/appeal", {"reason": "clear"})["state"] == "appealed"
    heard = {"admitted": True, "reason": "so it is"}
    post(case.office.reviewer, f"{where}/hear-appeal", heard, expect=403)
    told = post(case.office.decider, f"{where}/hear-appeal", heard)
    assert (told["state"], told["stage"]) == ("in_review", "county")
    assert post(case.office.reviewer, f"{where}/pass", {}, expect=403)["code"] == "same_person"


def test_only_an_analyst_holds_and_the_claim_goes_back_where_it_was(case: Case) -> None:
    where, why = f"/claims/{submit(case)['id']}", {"reason": "two prices"}
    post(case.office.reviewer, f"{where}/hold", why, expect=403)
    assert post(case.analyst, f"{where}/hold", why)["state"] == "on_hold"
    post(case.office.reviewer, f"{where}/pass", {}, expect=409)
    post(case.claimant, f"{where}/release", expect=403)
    assert post(case.analyst, f"{where}/release")["state"] == "in_review"


def test_a_claim_of_another_city_does_not_exist(case: Case) -> None:
    where, elsewhere = f"/claims/{submit(case)['id']}", make_office()
    get(elsewhere.reviewer, where, expect=404)
    for verb in ("pass", "return", "reject"):
        post(elsewhere.reviewer, f"{where}/{verb}", {"reason": "x"}, expect=404)
