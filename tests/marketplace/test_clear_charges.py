"""Clearing counts each charge once, whoever runs it, however often, and at the same time."""

from datetime import timedelta

import pytest

from audit.decisions import NotPermitted
from marketplace.actions.clear_charges import clear_charges
from marketplace.models import ClearingLine, ClearingRun
from marketplace.refusals import NothingToClear
from tests.factories import NOW
from tests.marketplace.orders import Buyer, charged, make_buyer
from tests.vouchers.test_races import at_once, violations
from treasury.models import Payable
from vouchers.models import Redemption

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(hours=1)


@pytest.fixture
def buyer(db: None) -> Buyer:
    return make_buyer()


def clear(buyer: Buyer) -> ClearingRun:
    city = buyer.office.city
    return clear_charges(issuer=city.organization, upto=LATER, actor=city.maker, at=LATER)


def test_every_charge_becomes_what_government_and_enterprise_owe_its_provider(buyer):
    charges = [charged(buyer), charged(buyer, hours="3")]
    run = clear(buyer)
    lines = run.lines.order_by("charge")
    assert [(line.government_fen, line.enterprise_fen) for line in lines] == [
        (600, 2400),
        (300, 1200),
    ]
    assert [line.provider for line in lines] == [each.order.provider for each in charges]
    assert [line.payable.amount_fen for line in lines] == [600, 300]
    assert {each.state for each in Redemption.objects.all()} == {"payable"}
    assert violations() == []


def test_clearing_again_finds_nothing(buyer):
    charged(buyer)
    clear(buyer)
    with pytest.raises(NothingToClear):
        clear(buyer)
    assert (ClearingRun.objects.count(), Payable.objects.count()) == (1, 1)


def test_a_charge_made_at_the_bound_waits_for_the_next_run(buyer):
    made = charged(buyer)
    city = buyer.office.city
    with pytest.raises(NothingToClear):
        clear_charges(issuer=city.organization, upto=made.charged_at, actor=city.maker, at=LATER)


def test_another_citys_charges_are_not_ours_to_clear(buyer):
    charged(buyer)
    with pytest.raises(NothingToClear):
        clear(make_buyer())
    assert ClearingLine.objects.count() == 0


def test_an_enterprise_does_not_clear(buyer):
    charged(buyer)
    with pytest.raises(NotPermitted):
        clear_charges(issuer=buyer.office.organization, upto=LATER, actor=buyer.actor, at=LATER)


@pytest.mark.django_db(transaction=True)
def test_two_clearings_at_once_clear_each_charge_once(buyer):
    charges = [charged(buyer) for _ in range(4)]
    outcomes = at_once(*[lambda: clear(buyer)] * 4)
    assert any(isinstance(each, ClearingRun) for each in outcomes), outcomes
    assert all(isinstance(each, ClearingRun | NothingToClear) for each in outcomes), outcomes
    assert sorted(ClearingLine.objects.values_list("charge", flat=True)) == [
        each.pk for each in charges
    ]
    assert Payable.objects.count() == 4
    assert violations() == []
