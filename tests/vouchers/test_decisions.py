"""Langfang's published terms decide: who is entitled, to how much, and what is promised."""

from datetime import timedelta

import pytest

from audit.decisions import Invalid, NotFound
from audit.proofs import prove
from tests.factories import NOW, make_actor, make_organization
from tests.vouchers.conftest import FACTS, YUAN, actor, apply, approve, make_office
from treasury.refusals import EnvelopeExhausted
from vouchers.actions.apply_for_voucher import apply_for_voucher
from vouchers.actions.issue_voucher import issue_voucher
from vouchers.actions.open_programme import open_programme
from vouchers.actions.review_application import withdraw_application
from vouchers.models import Preset
from vouchers.proofs import PROOFS
from vouchers.refusals import NotEntitled, TermsIncomplete, TermsRefused


def assert_sound() -> None:
    assert [each for each in prove("vouchers", PROOFS) if not each.holds] == []


def test_a_preset_that_lacks_a_parameter_cannot_be_opened_without_it(office):
    with pytest.raises(TermsIncomplete):
        open_programme(
            preset=Preset.objects.get(pk="zhangzhou-2025"),
            issuer=office.city.organization,
            code="zhangzhou",
            name="zhangzhou",
            effective_from=NOW,
            actor=actor(office.drafter),
            at=NOW,
        )


def test_a_value_supplied_without_a_source_is_refused(office):
    with pytest.raises(TermsRefused):
        open_programme(
            preset=Preset.objects.get(pk="zhangzhou-2025"),
            issuer=office.city.organization,
            code="zhangzhou",
            name="zhangzhou",
            effective_from=NOW,
            supplied=[{"pointer": "/caps/0/per", "value": "natural_year", "source": " "}],
            actor=actor(office.drafter),
            at=NOW,
        )


def test_nobody_applies_or_withdraws_for_another_enterprise(office):
    other = make_actor(make_organization("enterprise"), "enterprise_applicant")
    with pytest.raises(NotFound):
        apply_for_voucher(
            programme=office.programme,
            applicant=office.enterprise,
            facts=FACTS,
            actor=other,
            at=NOW,
        )
    with pytest.raises(NotFound):
        withdraw_application(application=apply(office), actor=other, at=NOW)


def test_an_application_that_earns_nothing_is_refused_with_every_reason(office):
    with pytest.raises(NotEntitled) as refused:
        apply(
            office,
            compute_kind="network",
            conditions_met=["provider-1"],
            conditions_unmet=["applicant-1"],
        )
    assert len(refused.value.reasons()) >= 2


def test_approval_counts_what_was_approved_meanwhile(office):
    first, second = apply(office), apply(office)
    assert first.amount_fen == second.amount_fen == 600_000 * YUAN
    approve(office, first)
    assert approve(office, second).amount_fen == 400_000 * YUAN  # 1,000,000.00 a year
    assert_sound()


def test_an_envelope_that_cannot_pay_promises_nothing(db):
    office = make_office(holding_fen=600_000 * YUAN - 1)
    application = apply(office)
    with pytest.raises(EnvelopeExhausted):
        approve(office, application)
    application.refresh_from_db()
    assert application.state == "recommended"


def test_a_voucher_is_not_issued_for_a_day_that_is_past_or_without_an_end(office):
    application = approve(office, apply(office))
    for day in (None, (NOW - timedelta(days=1)).date()):
        with pytest.raises(Invalid):
            issue_voucher(
                application=application, valid_through=day, actor=actor(office.decider), at=NOW
            )
