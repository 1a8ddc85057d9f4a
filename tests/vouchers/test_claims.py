"""Pay then claim: evidence makes the amount, other people each stage, the public may object."""

from datetime import date, timedelta

import pytest
from django.db import Error, connection, transaction
from django.utils import timezone

from audit.decisions import SYSTEM, Invalid, NotFound, NotPermitted, SamePerson, StaleState
from identity.refusals import ConflictOfInterest
from tests.factories import NOW, make_actor, make_membership, make_organization
from tests.vouchers.claims import CLAIMED, Case, e_invoice, evidence, sha
from tests.vouchers.office import make_office
from tests.vouchers.rules.sheets import WAN
from tests.vouchers.test_four_eyes import works_for
from treasury.actions.approve_payable import approve_payable
from treasury.queries import envelope_figures
from vouchers.actions.conclude_claim import conclude_claim, conclude_due_claims
from vouchers.actions.move_claim import (
    appeal_claim,
    hear_appeal,
    hold_claim,
    release_claim,
    supplement_claim,
    withdraw_claim,
)
from vouchers.actions.object_in_notice import decide_objection, object_to
from vouchers.actions.review_claim import pass_claim, reject_claim, return_claim
from vouchers.models import Claim, ClaimEvidence
from vouchers.proofs import PROOFS
from vouchers.refusals import (
    EvidenceRefused,
    EvidenceUsedBefore,
    NoticeStillRuns,
    ObjectionsOpen,
)

pytestmark = pytest.mark.django_db
AFTER = NOW + timedelta(days=6)


@pytest.fixture
def case() -> Case:
    return Case(make_office())


def refused_by_the_database(sql: str, *values: object) -> bool:
    """Whether the database itself says no."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(sql, values)
    except Error:
        return True
    return False


def test_a_claim_goes_from_evidence_to_a_payable(case: Case) -> None:
    claim = case.claim()
    assert (claim.state, claim.stage, claim.amount_fen) == ("in_review", "county", 2 * WAN)
    claim = case.passed(claim)
    assert (claim.state, claim.stage) == ("public_notice", None)
    with pytest.raises(NoticeStillRuns):
        conclude_claim(claim=claim, actor=case.office.decider, at=NOW)
    assert conclude_due_claims(actor=SYSTEM, at=AFTER) == 1
    claim.refresh_from_db()
    assert claim.state == "approved"
    assert claim.payable is not None
    assert (claim.payable.payee_id, claim.payable.amount_fen) == (case.enterprise.pk, 2 * WAN)
    approve_payable(payable=claim.payable, actor=case.office.second_decider, at=AFTER)
    approve_payable(payable=claim.payable, actor=case.office.third_decider, at=AFTER)
    assert case.programme.envelope is not None
    assert envelope_figures(case.programme.envelope).payable_fen == 2 * WAN
    assert [violation for proof in PROOFS for violation in proof.check()] == []


@pytest.mark.parametrize(
    ("piece", "fen", "amount_fen"),
    [
        ("payments", 10 * WAN - 1, 1_999_999),
        ("usages", 5 * WAN, 1 * WAN),
        ("payments", 50 * WAN, 2 * WAN),  # more paid than invoiced changes nothing
    ],
)
def test_the_amount_is_a_share_of_the_least_the_evidence_says(
    case: Case, piece: str, fen: int, amount_fen: int
) -> None:
    handed = evidence(case.enterprise, case.seller)
    rows = [{**handed[piece][0], "amount_fen": fen}]
    assert case.claim(**{piece: rows}).amount_fen == amount_fen


def test_a_claimant_cannot_type_an_amount(case: Case) -> None:
    with pytest.raises(Invalid):
        case.claim(facts={"contract_amount_fen": 1000 * WAN})


def test_one_invoice_supports_one_claim_in_any_programme(case: Case) -> None:
    invoice = e_invoice(case.enterprise.uscc, case.seller.uscc)
    first = case.claim(invoices=[invoice])
    other = Case(make_office())
    other.claimant, other.seller = case.claimant, case.seller
    with pytest.raises(EvidenceUsedBefore):
        other.claim(invoices=[invoice.replace("<EIid>1", "<EIid>2")])
    withdraw_claim(claim=first, actor=case.claimant, at=NOW)
    assert other.claim(invoices=[invoice]).state == "in_review"


@pytest.mark.parametrize("number", ["ht-77", "ＨＴ 77", "H T/77"])
def test_one_contract_supports_one_claim_however_it_is_written(case: Case, number: str) -> None:
    contract = evidence(case.enterprise, case.seller)["contract"]
    case.claim(contract=contract | {"number": "HT-77"})
    with pytest.raises(EvidenceUsedBefore):
        case.claim(contract=contract | {"number": number, "document_sha256": sha(number)})


def test_the_database_refuses_a_second_use_and_a_changed_piece(case: Case) -> None:
    claim, other = case.claim(), case.claim()
    piece = ClaimEvidence.objects.get(claim=claim, kind="invoice")
    copy = (
        "INSERT INTO vouchers_claimevidence (claim_id, kind, number, fingerprint, document_digest,"
        " amount_fen, dated_on, standing) SELECT %s, kind, number, fingerprint, 'x', amount_fen,"
        " dated_on, true FROM vouchers_claimevidence WHERE id = %s"
    )
    assert refused_by_the_database(copy, other.pk, piece.pk)
    change = "UPDATE vouchers_claimevidence SET amount_fen = amount_fen + 1 WHERE id = %s"
    assert refused_by_the_database(change, piece.pk)
    grow = "UPDATE vouchers_claim SET amount_fen = amount_fen + 1 WHERE id = %s"
    assert refused_by_the_database(grow, claim.pk)


def test_all_that_is_wrong_with_the_evidence_is_said_at_once(case: Case) -> None:
    handed = evidence(case.enterprise, case.seller)
    stranger = make_organization("enterprise").uscc
    late = [{**handed["payments"][0], "paid_on": date(2026, 3, 3)}]
    twice = [handed["usages"][0], handed["usages"][0] | {"number": "U-x"}]
    with pytest.raises(EvidenceRefused) as refusal:
        case.claim(
            invoices=[
                e_invoice(stranger, case.seller.uscc),
                e_invoice(case.enterprise.uscc, case.seller.uscc, number="25130000000000000001"),
                e_invoice(case.enterprise.uscc, case.seller.uscc, number="12345"),
                "<!DOCTYPE a [<!ENTITY b 'c'>]><EInvoice/>",
                "not a file",
            ],
            payments=late,
            usages=twice,
        )
    codes = [reason.code for reason in refusal.value.reasons()]
    assert codes.count("e_invoice_refused") == 4
    assert {"buyer_is_claimant", "payment_in_period", "usage_apart"} <= set(codes)


def test_related_parties_claim_nothing(case: Case) -> None:
    both = make_membership(case.enterprise, "enterprise_applicant")
    both.user.memberships.create(organization=case.seller)
    with pytest.raises(EvidenceRefused, match="related"):
        case.claim()


def test_a_provider_nobody_registered_stays_unknown(case: Case) -> None:
    stranger = make_organization("provider")
    stranger.uscc = "91131000MA0000000X"  # never saved
    handed = evidence(case.enterprise, stranger)
    claim = case.claim(**handed)
    unknown = {check["code"] for check in claim.checks if check["status"] == "unknown"}
    assert unknown == {"seller_unregistered", "invoice_seal"}


def test_each_stage_is_another_persons(case: Case) -> None:
    claim = pass_claim(claim=case.claim(), actor=case.office.reviewer, at=NOW)
    with pytest.raises(SamePerson):
        pass_claim(claim=claim, actor=case.office.reviewer, at=NOW)
    again = (
        "INSERT INTO vouchers_claimreview (claim_id, round, stage, outcome, reviewer_id, note,"
        " reviewed_at) VALUES (%s, 1, %s, 'passed', %s, '', now())"
    )
    assert refused_by_the_database(again, claim.pk, "municipal", case.office.reviewer.person_id)
    assert refused_by_the_database(again, claim.pk, "municipal", case.claimant.person_id)
    assert not refused_by_the_database(again, claim.pk, "municipal", case.second_reviewer.person_id)


def test_a_stage_needs_its_role(case: Case) -> None:
    claim = pass_claim(claim=case.claim(), actor=case.office.reviewer, at=NOW)
    claim = pass_claim(claim=claim, actor=case.second_reviewer, at=NOW)
    with pytest.raises(NotPermitted):
        pass_claim(claim=claim, actor=case.third_reviewer, at=NOW)


def test_the_database_approves_nothing_before_its_notice_is_over(case: Case) -> None:
    approve = (
        "UPDATE vouchers_claim SET state = 'approved', approved_at = %s, earned_id = NULL"
        " WHERE id = %s"
    )
    claim = case.passed()
    assert refused_by_the_database(approve, timezone.now(), claim.pk)
    assert refused_by_the_database(approve, NOW, claim.pk)


def test_a_supplement_stops_the_clock_and_a_hold_prolongs_the_notice(case: Case) -> None:
    claim = return_claim(
        claim=case.claim(), reason="盖章页缺失", actor=case.office.reviewer, at=NOW
    )
    assert (claim.state, claim.clock_stopped_at) == ("returned", NOW)
    later = NOW + timedelta(hours=5)
    claim = supplement_claim(
        claim=claim, note="已补", payments=[], usages=[], actor=case.claimant, at=later
    )
    assert (claim.state, claim.stage, claim.stopped_seconds) == ("in_review", "county", 18_000)
    claim = case.passed(claim)
    until = claim.notice_until
    assert until is not None
    claim = hold_claim(claim=claim, reason="signal", actor=case.analyst, at=NOW)
    claim = release_claim(claim=claim, actor=case.analyst, at=later)
    assert (claim.state, claim.notice_until) == ("public_notice", until + timedelta(hours=5))


def test_another_enterprise_neither_withdraws_supplements_nor_appeals(case: Case) -> None:
    claim = case.claim()
    rival = make_actor(make_organization("enterprise"), "enterprise_applicant")
    with pytest.raises(NotFound):
        withdraw_claim(claim=claim, actor=rival, at=NOW)
    return_claim(claim=claim, reason="盖章页缺失", actor=case.office.reviewer, at=NOW)
    with pytest.raises(NotFound):
        supplement_claim(claim=claim, note="x", payments=[], usages=[], actor=rival, at=NOW)
    reject = case.claim()
    reject_claim(claim=reject, reason="unclear", actor=case.office.reviewer, at=NOW)
    with pytest.raises(NotFound):
        appeal_claim(claim=reject, reason="x", actor=rival, at=NOW)


def test_an_appeal_is_heard_and_answered_by_others(case: Case) -> None:
    claim = reject_claim(claim=case.claim(), reason="unclear", actor=case.office.reviewer, at=NOW)
    claim = appeal_claim(claim=claim, reason="it is clear", actor=case.claimant, at=NOW)
    claim = hear_appeal(
        claim=claim, admitted=True, reason="yes", actor=case.office.second_decider, at=NOW
    )
    assert (claim.state, claim.stage, claim.round) == ("in_review", "county", 2)
    with pytest.raises(SamePerson):
        pass_claim(claim=claim, actor=case.office.reviewer, at=NOW)
    for actor in (case.second_reviewer, case.third_reviewer, case.office.decider):
        claim = pass_claim(claim=claim, actor=actor, at=NOW)
    assert conclude_claim(claim=claim, actor=SYSTEM, at=AFTER).state == "approved"


def test_an_objection_holds_a_claim_until_somebody_else_decides(case: Case) -> None:
    claim = case.passed()
    rival = make_actor(make_organization("enterprise"), "enterprise_applicant")
    with pytest.raises(NotFound):
        object_to(noticed=claim, text="mine", actor=case.claimant, at=NOW)
    objection = object_to(noticed=claim, text="never delivered", actor=rival, at=NOW)
    with pytest.raises(ObjectionsOpen):
        conclude_claim(claim=claim, actor=SYSTEM, at=AFTER)
    with pytest.raises(SamePerson):
        decide_objection(
            objection=objection, upheld=False, reason="", actor=case.office.decider, at=AFTER
        )
    decide_objection(
        objection=objection,
        upheld=False,
        reason="delivered",
        actor=case.office.second_decider,
        at=AFTER,
    )
    assert conclude_claim(claim=claim, actor=SYSTEM, at=AFTER).state == "approved"


def test_an_upheld_objection_rejects_the_claim(case: Case) -> None:
    claim = case.passed()
    rival = make_actor(make_organization("enterprise"), "enterprise_applicant")
    objection = object_to(noticed=claim, text="never delivered", actor=rival, at=NOW)
    decide_objection(
        objection=objection, upheld=True, reason="so it is", actor=case.third_reviewer, at=NOW
    )
    claim.refresh_from_db()
    assert claim.state == "rejected"
    with pytest.raises(StaleState):
        conclude_claim(claim=claim, actor=SYSTEM, at=AFTER)


def test_earlier_claims_count_towards_the_years_cap(case: Case) -> None:
    terms = {**CLAIMED, "caps": [{"id": "y", "amount_fen": 3 * WAN, "per": "natural_year"}]}
    small = Case(case.office, terms)
    assert [small.claim().amount_fen, small.claim().amount_fen] == [2 * WAN, 1 * WAN]
    assert Claim.objects.filter(programme=small.programme).count() == 2


def test_a_stage_is_not_passed_by_somebody_who_works_for_the_claimant(case):
    claim = case.claim()
    works_for(case.office.reviewer, case.claimant)
    with pytest.raises(ConflictOfInterest):
        pass_claim(claim=claim, actor=case.office.reviewer, at=NOW)
    claim.refresh_from_db()
    assert claim.position == 0
