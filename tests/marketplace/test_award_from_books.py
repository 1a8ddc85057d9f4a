"""An award gathers its own basis; what changes in the books afterwards is raised, never silent."""

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import Error, connection, transaction
from rest_framework.test import APIClient

from audit.decisions import SYSTEM, Actor, NotFound, SamePerson, StaleState
from audit.models import AuditEvent
from audit.proofs import prove
from identity.actions.register_affiliation import register_affiliation
from identity.models import Membership, Organization
from marketplace.actions.award_from_books import award_from_books, recheck_award
from marketplace.actions.cancel_order import cancel_order
from marketplace.models import Charge, Payment
from marketplace.reactions import REACTIONS
from scheduling.models import Platform
from tests.factories import NOW, make_actor, make_key, make_organization
from tests.marketplace.orders import Buyer, charged, make_buyer, place
from tests.marketplace.portal.conftest import browser
from tests.marketplace.test_refund_charge import refund
from tests.treasury.conftest import City, give_account
from tests.treasury.test_screens import refused
from tests.vouchers.office import Office, make_office, make_programme
from tests.vouchers.rules.sheets import document, rate_line
from treasury.actions.approve_payable import approve_payable
from treasury.actions.confirm_items import confirm_items
from treasury.actions.export_batch import export_batch
from treasury.actions.make_batch import make_batch
from treasury.actions.mark_sent import mark_sent
from treasury.actions.sign_batch import check_batch, freeze_batch, release_batch
from treasury.bank_files import BankRow
from treasury.models import Payable, RecoveryCase
from vouchers.actions.award_subsidy import propose_award
from vouchers.actions.correct_award import approve_correction, reject_correction
from vouchers.actions.object_in_notice import decide_objection, object_to
from vouchers.actions.review_award import approve_award, conclude_award, conclude_due_awards
from vouchers.actions.settle_payable import settle_payable
from vouchers.actions.settle_year import open_settlement, settle_year
from vouchers.models import AwardCorrection, Programme, SubsidyAward
from vouchers.proofs import PROOFS
from vouchers.refusals import AwardNotPaidYet, BasisNotInBooks, ObjectionsOpen
from vouchers.rules.award_basis import SETTLED, TRADED

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

YEAR = {"period_start": date(2026, 1, 1), "period_end": date(2027, 1, 1)}


@dataclass(frozen=True)
class Market:
    """A platform whose trade earns a tenth, from an office; each charge is 3,000 fen."""

    office: Office
    programme: Programme
    platform: Organization

    def trade(self, buyer: Buyer | None = None) -> Charge:
        charge = charged(buyer or make_buyer())
        self.runs(charge.order.allocation.job.platform)
        Payment.objects.filter(charge=charge).update(
            state="succeeded", succeeded_at=NOW, intent_id=f"pi_{charge.pk}"
        )
        return charge

    def runs(self, platform: Platform) -> None:
        Platform.objects.filter(pk=platform.pk).update(operator=self.platform)

    def award(self, **changed: Any) -> SubsidyAward:
        asked = {
            "version": self.programme.versions.get(),
            "beneficiary": self.platform,
            **YEAR,
            "actor": self.office.decider,
            "at": NOW,
        }
        return award_from_books(**{**asked, **changed})

    def approve(self, award: SubsidyAward) -> Payable:
        for actor in (self.office.second_decider, self.office.third_decider):
            approve_award(award=award, actor=actor, at=NOW)
        assert award.payable is not None
        return award.payable

    def pay(self, payable: Payable) -> None:
        """Through the ordinary batch, to the bank's confirmation."""
        city: City = self.office.city
        for approver in (city.finance_1, city.finance_2):
            approve_payable(payable=payable, actor=approver, at=NOW)
            payable.refresh_from_db()
        if not payable.payee.bank_accounts.exists():
            give_account(city, payable.payee)
        batch = make_batch(issuer=city.organization, payables=[payable], actor=city.maker, at=NOW)
        for act, actor in (
            (freeze_batch, city.maker),
            (check_batch, city.checker),
            (release_batch, city.releaser),
            (export_batch, city.maker),
            (mark_sent, city.maker),
        ):
            act(batch=batch, actor=actor, at=NOW)
            batch.refresh_from_db()
        item = batch.items.get()
        row = BankRow(item.end_to_end_id, "paid", item.amount_fen, None, f"BANK-{item.pk}")
        confirm_items(batch=batch, rows=[row], actor=city.maker, at=NOW)
        payable.refresh_from_db()
        settle_payable(payable=payable, actor=SYSTEM, at=NOW)


def make_market(terms: dict[str, Any] | None = None, fact: str = TRADED) -> Market:
    office = make_office()
    rule = terms or document(rate_line("0.1", basis=fact), kind="award")
    return Market(office, make_programme(office, rule), make_organization("platform"))


@pytest.fixture
def market() -> Market:
    return make_market()


def excluded(award: SubsidyAward) -> dict[int, str]:
    basis = json.loads(award.bases.get(number=0).document)
    return {row["order"]: row["reason"] for row in basis["exclusions"]}


def react() -> None:
    """What the news of refunds and affiliations leads to, as the table of reactions says."""
    for event in AuditEvent.objects.filter(
        kind__in=["refund.granted", "affiliation.registered"]
    ).order_by("pk"):
        for reaction in REACTIONS[event.kind]:
            if reaction.__name__.startswith("recheck"):
                reaction(event)


def broken() -> set[str]:
    return {each.name for each in prove("vouchers", PROOFS) if each.violations}


def test_the_books_say_what_a_platform_traded_and_list_what_does_not_count(market: Market) -> None:
    counted, back = market.trade(), market.trade()
    refund(back, 1000)
    gone = place(make_buyer())
    market.runs(gone.allocation.job.platform)
    cancel_order(order=gone, actor=SYSTEM, at=NOW, reason="failed")
    own = market.trade()
    Organization.objects.filter(pk__in=[own.order.enterprise_id, own.order.provider_id]).update(
        facts={"control_group": "G1"}
    )
    charged(make_buyer())  # on a platform of somebody else
    award = market.award()
    assert excluded(award) == {
        back.order_id: "refunded",
        gone.pk: "cancelled",
        own.order_id: "related_party",
    }
    assert award.facts[TRADED] == counted.total_fen + back.total_fen - 1000 == 5000
    assert award.amount_fen == 500
    assert broken() == set()


def test_a_settlement_counts_what_was_paid() -> None:
    settled = make_market(fact=SETTLED)
    charge = settled.trade()
    award = settled.award()
    assert award.facts[SETTLED] == charge.own_fen  # the voucher's part is not paid yet


def test_trade_of_another_day_is_of_another_period(market: Market) -> None:
    market.trade()
    award = market.award(period_start=date(2025, 1, 1), period_end=date(2026, 1, 1))
    assert (award.amount_fen, award.state) == (0, "rejected")


def test_an_award_from_the_books_is_paid_through_the_ordinary_batch(market: Market) -> None:
    market.trade()
    award = market.award()
    market.pay(market.approve(award))
    award.refresh_from_db()
    assert (award.state, award.amount_fen) == ("paid", 300)
    assert broken() == set()


def test_who_gathered_it_signs_nothing_and_nobody_signs_twice(market: Market) -> None:
    market.trade()
    award = market.award()
    with pytest.raises(SamePerson):
        approve_award(award=award, actor=market.office.decider, at=NOW)
    approve_award(award=award, actor=market.office.second_decider, at=NOW)
    with pytest.raises(SamePerson):
        approve_award(award=award, actor=market.office.second_decider, at=NOW)


def test_a_refund_after_payment_is_asked_back(market: Market) -> None:
    market.trade()
    late = market.trade()
    award = market.award()
    market.pay(market.approve(award))
    refund(late, 1000)
    react()
    correction = AwardCorrection.objects.get(award=award)
    assert (correction.before_fen, correction.now_fen, correction.difference_fen) == (
        600,
        500,
        -100,
    )
    for actor in (market.office.decider, market.office.second_decider):
        approve_correction(correction=correction, actor=actor, at=NOW)
    (case,) = correction.recoveries.all()
    assert (case.claimed_fen, case.payable_id, case.cause) == (100, award.payable_id, "overpaid")
    assert Payable.objects.filter(amount_fen__lte=0).count() == 0
    assert broken() == set()


def test_a_newly_known_affiliation_is_raised_for_the_days_since_it_holds(market: Market) -> None:
    charge = market.trade()
    award = market.award()
    market.pay(market.approve(award))
    register_affiliation(
        one=charge.order.provider,
        other=charge.order.enterprise,
        kind="control",
        effective_date=date(2025, 6, 1),
        evidence="register of companies",
        actor=market.office.decider,
        at=NOW,
    )
    react()
    assert AwardCorrection.objects.get(award=award).difference_fen == -300


def test_an_affiliation_of_a_later_day_changes_nothing_and_says_so(market: Market) -> None:
    charge = market.trade()
    award = market.award()
    register_affiliation(
        one=charge.order.enterprise,
        other=charge.order.provider,
        kind="control",
        effective_date=date(2027, 6, 1),
        evidence="register of companies",
        actor=market.office.decider,
        at=NOW,
    )
    react()
    assert not AwardCorrection.objects.exists()
    assert AuditEvent.objects.filter(
        kind="subsidy_award.rechecked", subject_id=str(award.pk)
    ).exists()


def test_trade_booked_later_is_paid_by_a_payable_of_its_own(market: Market) -> None:
    market.trade()
    award = market.award()
    market.approve(award)
    market.trade()
    correction = recheck_award(
        award=award, cause="late charge", actor=market.office.decider, at=NOW
    )
    assert correction is not None
    for actor in (market.office.second_decider, market.office.third_decider):
        approve_correction(correction=correction, actor=actor, at=NOW)
    assert correction.payable is not None
    assert (correction.payable.amount_fen, award.payable.amount_fen) == (300, 300)  # type: ignore[union-attr]
    market.pay(correction.payable)
    correction.refresh_from_db()
    assert correction.state == "paid"
    assert broken() == set()


def test_nothing_is_asked_back_before_it_is_paid(market: Market) -> None:
    charge = market.trade()
    award = market.award()
    market.approve(award)
    refund(charge, 1000)
    react()
    correction = AwardCorrection.objects.get(award=award)
    tied = make_actor(market.office.organization, "finance_reviewer")
    refused(approve_correction, award.beneficiary, tied, correction, correction=correction, at=NOW)
    approve_correction(correction=correction, actor=market.office.decider, at=NOW)
    with pytest.raises(AwardNotPaidYet):
        approve_correction(correction=correction, actor=market.office.second_decider, at=NOW)
    assert RecoveryCase.objects.count() == 0
    reject_correction(
        correction=correction, reason="paid less", actor=market.office.third_decider, at=NOW
    )
    assert correction.state == "rejected"


@pytest.mark.slow
def test_what_is_asked_back_is_split_over_what_was_paid(market: Market) -> None:
    first = market.trade()
    award = market.award()
    market.pay(market.approve(award))
    second = market.trade()
    more = recheck_award(award=award, cause="late", actor=SYSTEM, at=NOW)
    assert more is not None
    people = (market.office.second_decider, market.office.third_decider)
    for actor in people:
        approve_correction(correction=more, actor=actor, at=NOW)
    market.pay(more.payable)  # type: ignore[arg-type]
    for charge in (first, second):
        refund(charge, 3000, reference=f"r{charge.pk}")
    react()
    less = AwardCorrection.objects.exclude(pk=more.pk).get(state="proposed")
    assert less.difference_fen == -600
    for actor in people:
        approve_correction(correction=less, actor=actor, at=NOW)
    assert sorted(case.claimed_fen for case in less.recoveries.all()) == [300, 300]
    assert broken() == set()


def test_a_newer_difference_supersedes_one_that_is_not_decided(market: Market) -> None:
    charge = market.trade()
    award = market.award()
    for number in (1, 2):
        refund(charge, 1000, reference=f"r{number}")
        react()
    states = AwardCorrection.objects.filter(award=award).order_by("pk")
    assert [(each.state, each.difference_fen) for each in states] == [
        ("superseded", -100),
        ("proposed", -200),
    ]


def test_terms_that_ask_for_a_notice_are_shown_before_they_pay() -> None:
    market = make_market(
        document(
            rate_line("0.1", basis=TRADED),
            kind="award",
            review={"stages": ["municipal", "finance"], "public_notice_days": 5},
        )
    )
    market.trade()
    award = market.award()
    approve_award(award=award, actor=market.office.reviewer, at=NOW)
    approve_award(award=award, actor=market.office.second_decider, at=NOW)
    assert (award.state, award.payable) == ("public_notice", None)
    assert conclude_due_awards(actor=SYSTEM, at=NOW + timedelta(days=4)) == 0
    assert conclude_due_awards(actor=SYSTEM, at=NOW + timedelta(days=6)) == 1
    award.refresh_from_db()
    assert award.state == "approved"
    assert broken() == set()


def shown(market: Market) -> SubsidyAward:
    """An award in public notice."""
    market.trade()
    award = market.award()
    approve_award(award=award, actor=market.office.reviewer, at=NOW)
    approve_award(award=award, actor=market.office.second_decider, at=NOW)
    assert award.state == "public_notice"
    return award


def noticed_market() -> Market:
    review = {"stages": ["municipal", "finance"], "public_notice_days": 5}
    return make_market(document(rate_line("0.1", basis=TRADED), kind="award", review=review))


def test_an_objection_holds_an_award_until_somebody_new_decides() -> None:
    market = noticed_market()
    award = shown(market)
    rival = make_actor(make_organization("enterprise"), "enterprise_applicant")
    after = NOW + timedelta(days=6)
    own = make_actor(award.beneficiary, "platform_operator")
    with pytest.raises(NotFound):
        object_to(noticed=award, text="mine", actor=own, at=NOW)
    objection = object_to(noticed=award, text="never traded", actor=rival, at=NOW)
    with pytest.raises(ObjectionsOpen):
        conclude_award(award=award, actor=SYSTEM, at=after)
    assert conclude_due_awards(actor=SYSTEM, at=after) == 0
    with pytest.raises(SamePerson):
        decide_objection(
            objection=objection, upheld=False, reason="", actor=market.office.reviewer, at=after
        )
    with pytest.raises(SamePerson):  # who proposed it
        decide_objection(
            objection=objection, upheld=False, reason="", actor=market.office.decider, at=after
        )
    new = market.office.third_decider
    decide_objection(objection=objection, upheld=False, reason="it was", actor=new, at=after)
    assert conclude_due_awards(actor=SYSTEM, at=after) == 1
    with pytest.raises(StaleState):
        object_to(noticed=award, text="late", actor=rival, at=after)


def test_an_upheld_objection_rejects_the_award_and_its_period_may_be_proposed_again() -> None:
    market = noticed_market()
    award = shown(market)
    rival = make_actor(make_organization("enterprise"), "enterprise_applicant")
    objection = object_to(noticed=award, text="never traded", actor=rival, at=NOW)
    new = market.office.third_decider
    decide_objection(objection=objection, upheld=True, reason="so it is", actor=new, at=NOW)
    award.refresh_from_db()
    assert (award.state, award.reason) == ("rejected", "so it is")
    assert market.award().state == "proposed"


def test_the_database_itself_holds_an_award_that_is_objected_to() -> None:
    market = noticed_market()
    award = shown(market)
    rival = make_actor(make_organization("enterprise"), "enterprise_applicant")
    object_to(noticed=award, text="never traded", actor=rival, at=NOW)
    with (
        pytest.raises(Error, match="objections are open or upheld"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(
            "UPDATE vouchers_subsidyaward SET state = 'approved' WHERE id = %s", [award.pk]
        )


@pytest.mark.slow
def test_a_settled_year_awards_on_the_basis_the_books_tell_and_ends_in_a_payable() -> None:
    market = make_market()
    refund(market.trade(), 1000)
    market.trade()
    assert market.programme.envelope is not None
    over = datetime(2027, 1, 4, tzinfo=UTC)
    settlement = open_settlement(
        book=market.programme.envelope.book,
        members={make_organization("provider"): market.platform},
        version=market.programme.versions.get(),
        actor=SYSTEM,
        at=over,
    )
    for _twice in range(2):
        settle_year(settlement=settlement, propose=award_from_books, actor=SYSTEM, at=over)
    line = settlement.lines.get(is_platform=True)
    award = line.award
    assert award is not None
    gathered = json.loads(award.bases.get().document)
    assert (gathered["gross_fen"], gathered["basis_fen"]) == (6000, 5000)
    assert (award.amount_fen, line.earned_fen) == (500, 0)  # not what vouchers alone paid
    for actor in (market.office.decider, market.office.second_decider):
        approve_award(award=award, actor=actor, at=over)
    assert award.payable is not None
    assert (award.payable.payee, award.payable.amount_fen) == (market.platform, 500)
    assert broken() == set()


def test_what_the_books_do_not_tell_is_stated_with_evidence() -> None:
    market = make_market(fact="investment_fen")
    with pytest.raises(BasisNotInBooks):
        market.award()


PLANTED = {
    "a basis rewritten": (
        "UPDATE vouchers_awardbasis SET document = replace(document, '3000', '4000')"
    ),
    "a basis said to be more": "UPDATE vouchers_awardbasis SET basis_fen = basis_fen + 1",
    "an award said to be more": (
        "UPDATE vouchers_subsidyaward"
        " SET facts = jsonb_set(facts, '{annual_trade_volume_fen}', '9')"
    ),
    "a correction said to be less": (
        "UPDATE vouchers_awardcorrection"
        " SET now_fen = now_fen + 1, difference_fen = difference_fen + 1"
    ),
    "a recovery forgotten": "DELETE FROM vouchers_awardcorrection_recoveries",
}


@pytest.mark.slow
@pytest.mark.parametrize("damage", PLANTED)
def test_the_proof_names_planted_damage(market: Market, damage: str) -> None:
    market.trade()
    late = market.trade()
    award = market.award()
    market.pay(market.approve(award))
    refund(late, 1000)
    react()
    correction = AwardCorrection.objects.get(award=award)
    for actor in (market.office.decider, market.office.second_decider):
        approve_correction(correction=correction, actor=actor, at=NOW)
    assert broken() == set()
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(PLANTED[damage])
        cursor.execute("SET session_replication_role = origin")
    assert "awards" in broken()


# --- over HTTP


def caller(actor: Actor, language: str = "en") -> APIClient:
    membership = Membership.objects.get(
        user_id=actor.person_id, organization_id=actor.organization_id
    )
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=make_key(membership), HTTP_ACCEPT_LANGUAGE=language)
    return client


@pytest.fixture
def body(market: Market) -> dict[str, Any]:
    return {
        "policy_version": market.programme.versions.get().pk,
        "beneficiary": market.platform.pk,
        "period_start": "2026-01-01",
        "period_end": "2027-01-01",
    }


def test_an_office_looks_proposes_and_rechecks_over_http(
    market: Market, body: dict[str, Any]
) -> None:
    market.trade()
    office = caller(market.office.decider)
    looked = office.post("/api/v1/award-bases", body, format="json").json()
    assert looked["basis_fen"] == 3000
    made = office.post("/api/v1/award-bases/propose", body, format="json")
    assert (made.status_code, made.json()["amount_fen"]) == (201, 300), made.content
    shown = office.get(f"/api/v1/subsidy-awards/{made.json()['id']}").json()
    assert shown["bases"][0]["digest"] == made.json()["digest"]
    again = {"award": made.json()["id"], "cause": "yearly check"}
    answer = office.post("/api/v1/award-bases/recheck", again, format="json")
    assert answer.json() == {"correction": None, "difference_fen": 0}


@pytest.mark.parametrize("path", ["award-bases", "award-bases/propose"])
@pytest.mark.parametrize(
    ("role", "kind"), [("auditor", "government"), ("platform_operator", "platform")]
)
def test_others_gather_nothing(
    market: Market, body: dict[str, Any], path: str, role: str, kind: str
) -> None:
    stranger = caller(make_actor(make_organization(kind), role))
    assert stranger.post(f"/api/v1/{path}", body, format="json").status_code == 403
    assert SubsidyAward.objects.count() == 0


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("policy_version", 0),
        ("policy_version", "x"),
        ("beneficiary", 0),
        ("period_end", "2026-01-01"),
        ("period_end", "never"),
    ],
)
@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_a_wrong_field_is_named(
    market: Market, body: dict[str, Any], field: str, value: Any, language: str
) -> None:
    office = caller(market.office.decider, language)
    answer = office.post("/api/v1/award-bases/propose", {**body, field: value}, format="json")
    assert (answer.status_code, field in str(answer.json()["errors"])) == (422, True)
    body = answer.json()
    said = str([body["detail"], [each["detail"] for each in body["errors"]]])
    assert any("\u4e00" <= letter <= "\u9fff" for letter in said) == (language == "zh-hans")


def test_another_offices_award_is_not_there(market: Market) -> None:
    market.trade()
    award = market.award()
    stranger = caller(make_office().decider)
    asked = {"award": award.pk, "cause": "?"}
    answer = stranger.post("/api/v1/award-bases/recheck", asked, format="json")
    assert answer.status_code == 404


def test_a_correction_is_decided_over_http(market: Market) -> None:
    charge = market.trade()
    market.award()
    refund(charge, 1000)
    react()
    office = caller(market.office.decider)
    (row,) = office.get("/api/v1/award-corrections").json()["results"]
    assert row["difference_fen"] == -100
    where = f"/api/v1/award-corrections/{row['id']}"
    assert office.post(f"{where}/reject", {}, format="json").status_code == 422
    assert office.post(f"{where}/approve").json()["state"] == "half_approved"
    assert office.post(f"{where}/approve").status_code == 403
    reader = caller(market.office.reviewer)
    assert reader.post(f"{where}/approve").status_code == 403


def test_a_stated_award_is_compared_with_the_books_and_stays_what_was_stated(
    market: Market,
) -> None:
    market.trade()
    award = propose_award(
        version=market.programme.versions.get(),
        beneficiary=market.platform,
        **YEAR,
        facts={TRADED: 5_000},
        actor=market.office.decider,
        at=NOW,
    )
    office = caller(market.office.second_decider)
    asked = {"award": award.pk, "cause": "the books say otherwise"}
    told = office.post("/api/v1/award-bases/recheck", asked, format="json").json()
    assert told["difference_fen"] == 300 - 500
    assert broken() == set()
    page = browser(market.office.decider).get(f"/officer/awards/{award.pk}").content.decode()
    assert "the books say otherwise" in page
    assert "stated by an officer" in page


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_the_page_lists_what_does_not_count_and_what_was_corrected(
    market: Market, language: str
) -> None:
    charge, back = market.trade(), market.trade()
    refund(back, 1000)
    award = market.award()
    refund(charge, 500, reference="r2")
    react()
    page = browser(market.office.decider, language=language).get(f"/officer/awards/{award.pk}")
    shown = page.content.decode()
    assert {"en": "refunded ¥10.00", "zh-hans": "已退款 ¥10.00"}[language] in shown
    assert "refund" in shown
    assert award.bases.get(number=0).digest in shown


def test_the_page_is_for_the_awards_own_office(market: Market) -> None:
    market.trade()
    award = market.award()
    address = f"/officer/awards/{award.pk}"
    assert browser(make_office().decider).get(address).status_code == 404
    buyer = make_actor(make_organization("enterprise"), "enterprise_applicant")
    assert browser(buyer).get(address).status_code == 403


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_an_objection_over_http_stands_on_the_offices_page(language: str) -> None:
    award_market = noticed_market()
    award = shown(award_market)
    rival = make_actor(make_organization("enterprise"), "enterprise_applicant")
    notices = caller(rival).get("/api/v1/award-notices").json()["results"]
    assert [each["id"] for each in notices] == [award.pk]
    empty = caller(rival).post(f"/api/v1/award-notices/{award.pk}/object", {"text": " "})
    assert empty.status_code == 422
    objection = object_to(noticed=award, text="never traded", actor=rival, at=NOW)
    decide = f"/api/v1/objections/{objection.pk}/decide"
    said = {"upheld": False, "reason": "it was"}
    assert caller(rival).post(decide, said).status_code == 403
    page = browser(award_market.office.decider, language=language)
    shown_page = page.get(f"/officer/awards/{award.pk}").content.decode()
    assert "never traded" in shown_page
    heading = {"en": "Objections in the public notice", "zh-hans": "公示期异议"}[language]
    assert heading in shown_page
    told = caller(award_market.office.third_decider).post(decide, said).json()
    assert (told["state"], told["award"]) == ("dismissed", award.pk)
