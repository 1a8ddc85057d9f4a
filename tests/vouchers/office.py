"""A programme office with its people, an enterprise with a voucher, a provider to spend it at."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import count
from typing import Any

from audit.decisions import Actor
from identity.models import Organization
from tests.factories import NOW, make_actor, make_actors, make_organization
from tests.treasury.conftest import City, make_city, make_envelope
from tests.vouchers.rules.sheets import WAN, document, rate_line, year_cap
from treasury.models import Envelope
from vouchers.actions.activate_programme import activate_programme
from vouchers.actions.apply_for_voucher import apply_for_voucher
from vouchers.actions.approve_policy_version import approve_policy_version, submit_policy_version
from vouchers.actions.award_subsidy import propose_award
from vouchers.actions.issue_voucher import claim_voucher, issue_voucher
from vouchers.actions.open_programme import open_programme
from vouchers.actions.reserve_voucher import reserve_voucher
from vouchers.actions.review_application import approve_application, recommend_application
from vouchers.actions.settle_year import Propose
from vouchers.actions.simulate_version import simulate_version, write_test_case
from vouchers.models import (
    Application,
    PolicyVersion,
    Preset,
    Programme,
    Redemption,
    RuleTestCase,
    SimulationRun,
    SubsidyAward,
    Voucher,
    YearSettlement,
)
from vouchers.presets import load_presets
from vouchers.rules import Terms, evaluate

_numbers = count(1)
FIFTH = document(rate_line("0.2"), caps=[year_cap(1 * WAN)])
ZHONGWEI = "zhongwei-platform-trade-1pct"
LAST_DAY = date(2026, 6, 30)


@dataclass(frozen=True)
class Office:
    """A city's issuing body; every person another one."""

    city: City
    drafter: Actor
    approver_1: Actor
    approver_2: Actor
    reviewer: Actor
    decider: Actor
    second_decider: Actor
    third_decider: Actor

    @property
    def organization(self) -> Organization:
        return self.city.organization


def make_office() -> Office:
    city = make_city()
    roles = (
        "policy_drafter",
        "policy_approver",
        "policy_approver",
        "reviewer",
        "finance_reviewer",
        "finance_reviewer",
        "finance_reviewer",
    )
    return Office(city, *make_actors(city.organization, *roles))


def make_preset(terms: Mapping[str, Any]) -> Preset:
    number = next(_numbers)
    return Preset.objects.create(
        id=f"test-{number}",
        family="voucher_programme",
        kind="demand_voucher",
        name_zh="测试",
        name_en="test",
        adcode="131000",
        region_zh="廊坊市",
        evidence="test",
        version_status="unknown",
        state="complete",
        openable=True,
        document={"terms": dict(terms)},
    )


def zhongwei() -> Mapping[str, Any]:
    """The published terms of Zhongwei's reward."""
    terms = load_presets()[ZHONGWEI].terms
    assert terms is not None
    return terms.document


def draft(office: Office, terms: Mapping[str, Any] = FIFTH) -> PolicyVersion:
    programme = open_programme(
        preset=make_preset(terms),
        issuer=office.organization,
        code=f"p{next(_numbers)}",
        name="compute vouchers",
        effective_from=NOW,
        actor=office.drafter,
        at=NOW,
    )
    return programme.versions.get()


def attach_trial(version: PolicyVersion, person_id: int | None) -> None:
    """The rows an approval asks for, without running anything: for tests of what comes after."""
    RuleTestCase.objects.create(
        version=version,
        name="nothing asked",
        facts={},
        asked_at=NOW,
        expected_fen=0,
        evaluation={},
        computed_fen=0,
        written_by_id=person_id or 0,
    )
    SimulationRun.objects.create(
        version=version,
        data_set="nothing run",
        source="uploaded",
        data_digest="0" * 64,
        claims=1,
        cost_fen=0,
        report={
            **dict.fromkeys(("exhausted_on", "budget_fen", "against_current")),
            **dict.fromkeys(("by_size", "by_district")),
            **{"cost_fen": 0, "cost_by_month": {}, "cliffs": [], "sensitivity": []},
        },
        run_by_id=person_id or 0,
        run_at=NOW,
    )


def approved(office: Office, terms: Mapping[str, Any] = FIFTH) -> PolicyVersion:
    version = draft(office, terms)
    attach_trial(version, office.drafter.person_id)
    submit_policy_version(version=version, actor=office.drafter, at=NOW)
    approve_policy_version(version=version, actor=office.approver_1, at=NOW)
    return approve_policy_version(version=version, actor=office.approver_2, at=NOW)


def make_programme(
    office: Office, terms: Mapping[str, Any] = FIFTH, *, holding_fen: int = 100 * WAN
) -> Programme:
    """An active programme with `holding_fen` in its envelope."""
    version = approved(office, terms)
    envelope: Envelope = make_envelope(office.city, holding_fen=holding_fen)
    return activate_programme(
        programme=version.programme, envelope=envelope, actor=office.drafter, at=NOW
    )


def try_out(office: Office, version: PolicyVersion, *, contract_fen: int = 3 * WAN) -> None:
    """What a version needs before it replaces another: an example that passes, a simulation."""
    facts = {"contract_amount_fen": contract_fen}
    earned = evaluate(Terms.load(version.terms), facts, at=NOW).amount_fen or 0
    who_and_when: dict[str, Any] = {"actor": office.drafter, "at": NOW}
    write_test_case(
        version=version,
        name="example",
        facts=facts,
        asked_at=NOW,
        expected_fen=earned,
        **who_and_when,
    )
    text = f"enterprise,on,contract_amount_fen\nA,2026-01-05,{contract_fen}\n"
    simulate_version(version=version, data_set="example", csv_text=text, **who_and_when)


def make_applicant() -> Actor:
    return make_actor(make_organization("enterprise"), "enterprise_applicant")


def organization_of(actor: Actor) -> Organization:
    return Organization.objects.get(pk=actor.organization_id)


def apply(
    programme: Programme, applicant: Actor, *, contract_fen: int = 5 * WAN, at: datetime = NOW
) -> Application:
    """Asks for a fifth of the contract: 1 WAN unless told."""
    return apply_for_voucher(
        programme=programme,
        applicant=organization_of(applicant),
        facts={"contract_amount_fen": contract_fen},
        actor=applicant,
        at=at,
    )


def decide(office: Office, application: Application, at: datetime = NOW) -> Application:
    recommend_application(application=application, actor=office.reviewer, at=at)
    return approve_application(application=application, actor=office.decider, at=at)


def make_voucher(
    office: Office,
    *,
    programme: Programme | None = None,
    applicant: Actor | None = None,
    face_fen: int = 1 * WAN,
    valid_through: date = LAST_DAY,
    claimed: bool = True,
) -> tuple[Voucher, Actor]:
    """A voucher, claimed unless told, and its holder's applicant."""
    applicant = applicant or make_applicant()
    application = apply(programme or make_programme(office), applicant, contract_fen=face_fen * 5)
    voucher = issue_voucher(
        application=decide(office, application),
        valid_through=valid_through,
        actor=office.decider,
        at=NOW,
    )
    assert voucher.face_fen == face_fen
    if claimed:
        claim_voucher(voucher=voucher, actor=applicant, at=NOW)
    return voucher, applicant


def reserve(
    voucher: Voucher,
    holder: Actor,
    amount_fen: int,
    *,
    provider: Organization | None = None,
    order: str | None = None,
    at: datetime = NOW,
    deadline_at: datetime | None = None,
) -> Redemption:
    return reserve_voucher(
        voucher=voucher,
        order_reference=order or f"order-{next(_numbers)}",
        amount_fen=amount_fen,
        provider=provider or make_organization("provider"),
        deadline_at=deadline_at or at + timedelta(days=3),
        actor=holder,
        at=at,
    )


def balances(voucher: Voucher) -> tuple[int, int]:
    """(available, reserved) in fen, fresh from the database."""
    fresh = Voucher.objects.select_related("available", "reserved").get(pk=voucher.pk)
    assert fresh.available is not None
    assert fresh.reserved is not None
    return fresh.available.balance_fen, fresh.reserved.balance_fen


def by_ledger(settlement: YearSettlement) -> Propose:
    """Proposes on what a settlement's members earned: for tests without orders."""

    def propose(*, beneficiary: Organization, **asked: Any) -> SubsidyAward:
        line = settlement.lines.get(organization=beneficiary, is_platform=True)
        facts = {"annual_trade_volume_fen": line.earned_fen}
        return propose_award(beneficiary=beneficiary, facts=facts, **asked)

    return propose
