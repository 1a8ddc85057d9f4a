"""The treasury page: forecasts, open answers of the bank, recoveries that agree with the ledger."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from audit.decisions import SYSTEM
from identity.actions.break_glass import break_glass
from identity.models import User
from tests.factories import make_membership, make_organization
from tests.treasury.conftest import (  # noqa: F401 - fixtures
    city,
    envelope,
    give_account,
    owe,
    payee,
)
from tests.treasury.test_payouts import answer, ids, make, send
from tests.treasury.test_recoveries import AFTER, DUE, cash, open_case
from treasury.actions.commit_value import commit_value
from treasury.actions.enquire_item import enquire_item
from treasury.actions.issue_demand import issue_demand
from treasury.actions.open_recovery import serve_notice
from treasury.actions.suspend_return import suspend_return
from treasury.bank_files import BankRow

pytestmark = pytest.mark.django_db


@pytest.fixture
def busy(city, envelope, payee, owe):  # noqa: F811
    """A city with a use of eight weeks, an unknown payment, a recovery, a suspense entry."""
    now = timezone.now()
    for week, amount_fen in enumerate((3000, 4200, 2500, 6100, 3900, 5200, 4700, 5100)):
        commit_value(
            envelope=envelope,
            amount_fen=amount_fen,
            reference=f"use:{week}",
            policy_version="v1",
            actor=SYSTEM,
            at=now - timedelta(weeks=9 - week),
        )
    first, second = owe(1000), owe(700)
    batch = send(city, make(city, first, second))
    answer(city, batch, BankRow(ids(batch)[0], "paid"), BankRow(ids(batch)[1], "unknown"))
    enquire_item(
        item=batch.items.get(position=2), question="where is it?", actor=city.maker, at=now
    )
    first.refresh_from_db()
    case = serve_notice(case=open_case(city, first), actor=city.finance_1, at=AFTER)
    issue_demand(case=case, due_date=DUE, actor=city.finance_2, at=case.contest_by_at)
    cash(city, case, 300)
    suspend_return(
        issuer=city.organization,
        amount_fen=55,
        bank_reference="S-1",
        note="no name",
        actor=city.maker,
        at=now,
    )
    break_glass(
        organization=city.organization,
        role="batch_releaser",
        hours=2,
        reason="payday, the releaser is in hospital",
        actor=city.budget_officer,
        at=now,
    )
    return city


def page_for(person_id, language="en"):
    client = Client()
    client.force_login(User.objects.get(pk=person_id))
    return client.get("/officer/treasury", headers={"Accept-Language": language})


def test_an_officer_sees_where_public_money_waits(busy):
    page = page_for(busy.finance_1.person_id)
    assert page.status_code == 200
    text = page.content.decode()
    for said in (
        "Expected to be used up on",
        "where is it?",
        "S-1",
        "payday, the releaser is in hospital",
        "what was demanded, to the fen",
        "outstanding of ¥8.00 claimed",
        "6 not all known",  # two approvals of each of two payables, check and release of a batch
    ):
        assert said in text, said
    assert "<polygon" in text


def test_an_auditor_sees_it_too_and_an_enterprise_does_not(busy):
    auditor = make_membership(make_organization("government"), "auditor")
    assert "S-1" in page_for(auditor.user_id).content.decode()
    enterprise = make_membership(make_organization("enterprise"), "enterprise_applicant")
    assert page_for(enterprise.user_id).status_code == 403


def test_another_city_sees_nothing_of_it(busy):
    other = make_membership(make_organization("government"), "finance_reviewer")
    text = page_for(other.user_id).content.decode()
    assert "S-1" not in text
    assert "payday" not in text


def test_it_speaks_chinese(busy):
    text = page_for(busy.finance_1.person_id, "zh-hans").content.decode()
    for said in ("预计用完日期", "追回", "挂账", "拨付批次及其中每笔付款", "职责分离", "紧急角色"):
        assert said in text, said
