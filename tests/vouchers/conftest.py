"""A programme office in force: a city, its officers, an enterprise, a provider, and terms."""

from dataclasses import dataclass
from datetime import timedelta
from itertools import count

import pytest

from audit.decisions import SYSTEM, Actor
from identity.models import Membership, Organization
from tests.factories import NOW, make_membership, make_organization
from tests.treasury.conftest import City, make_city, make_envelope
from tests.vouchers.office import attach_trial
from treasury.models import Envelope
from vouchers.actions.activate_programme import activate_programme
from vouchers.actions.apply_for_voucher import apply_for_voucher
from vouchers.actions.approve_policy_version import approve_policy_version, submit_policy_version
from vouchers.actions.issue_voucher import claim_voucher, issue_voucher
from vouchers.actions.load_presets import load_presets
from vouchers.actions.open_programme import open_programme
from vouchers.actions.review_application import approve_application, recommend_application
from vouchers.models import Application, PolicyVersion, Preset, Programme, Voucher

_numbers = count(1)
YUAN = 100
# 60 % of the fee on a local platform, of a major project: 600,000.00 CNY of a cost of 1,000,000.00.
FACTS = {
    "entity_type": "enterprise",
    "compute_kind": "intelligent",
    "conditions_met": ["applicant-1", "provider-1"],
    "provider_adcode": "131000",
    "project_grade": "national",
    "compute_cost_fen": 1_000_000 * YUAN,
    "usage_fee_fen": 0,
    "settled_in_region": False,
}


@dataclass
class Office:
    """Everybody here is another person."""

    city: City
    drafter: Membership
    approver_1: Membership
    approver_2: Membership
    reviewer: Membership
    decider: Membership
    applicant: Membership
    provider: Organization
    envelope: Envelope
    programme: Programme

    @property
    def version(self) -> PolicyVersion:
        return self.programme.versions.get()

    @property
    def enterprise(self) -> Organization:
        return self.applicant.organization


def actor(membership: Membership) -> Actor:
    return membership.actor(at=NOW)


def make_office(
    preset_id: str = "langfang-2023", *, holding_fen: int = 10_000_000 * YUAN, supplied=()
) -> Office:
    if not Preset.objects.exists():
        load_presets(actor=SYSTEM, at=NOW)
    city = make_city()
    people = [
        make_membership(city.organization, role)
        for role in (
            "policy_drafter",
            "policy_approver",
            "policy_approver",
            "reviewer",
            "finance_reviewer",
        )
    ]
    drafter, approver_1, approver_2 = people[:3]
    programme = open_programme(
        preset=Preset.objects.get(pk=preset_id),
        issuer=city.organization,
        code=f"programme-{next(_numbers)}",
        name="vouchers for compute",
        effective_from=NOW,
        supplied=supplied,
        actor=actor(drafter),
        at=NOW,
    )
    version = programme.versions.get()
    attach_trial(version, actor(drafter).person_id)
    submit_policy_version(version=version, actor=actor(drafter), at=NOW)
    approve_policy_version(version=version, actor=actor(approver_1), at=NOW)
    approve_policy_version(version=version, actor=actor(approver_2), at=NOW)
    envelope = make_envelope(city, holding_fen=holding_fen)
    activate_programme(programme=programme, envelope=envelope, actor=actor(drafter), at=NOW)
    return Office(
        city,
        *people,
        make_membership(make_organization("enterprise"), "enterprise_applicant"),
        make_organization("provider"),
        envelope,
        programme,
    )


def apply(office: Office, *, at=NOW, **facts) -> Application:
    return apply_for_voucher(
        programme=office.programme,
        applicant=office.enterprise,
        facts=FACTS | facts,
        actor=actor(office.applicant),
        at=at,
    )


def approve(office: Office, application: Application) -> Application:
    recommend_application(application=application, actor=actor(office.reviewer), at=NOW)
    return approve_application(application=application, actor=actor(office.decider), at=NOW)


def make_voucher(office: Office, *, days: int = 30, **facts) -> Voucher:
    """A claimed voucher of 600,000.00 CNY unless the facts say otherwise."""
    voucher = issue_voucher(
        application=approve(office, apply(office, **facts)),
        valid_through=(NOW + timedelta(days=days)).date(),
        actor=actor(office.decider),
        at=NOW,
    )
    return claim_voucher(voucher=voucher, actor=actor(office.applicant), at=NOW)


@pytest.fixture
def office(db) -> Office:
    return make_office()


@pytest.fixture
def voucher(office) -> Voucher:
    return make_voucher(office)
