"""The bank pays, and returns the money later: what it was for is owed again, and paid again."""

from datetime import timedelta

import pytest

from audit.decisions import SYSTEM
from audit.models import AuditEvent
from tests.factories import NOW
from tests.treasury.conftest import give_account
from tests.vouchers.office import make_office, make_voucher, reserve
from tests.vouchers.test_cross_region import (
    agree,
    balance,
    broken,
    close,
    confirm,
    east,
    pay,
    same_year,
    spend,
    west,
)
from treasury.actions.confirm_items import confirm_items
from treasury.actions.export_batch import export_batch
from treasury.actions.make_batch import make_batch
from treasury.actions.mark_sent import mark_sent
from treasury.actions.sign_batch import check_batch, freeze_batch, release_batch
from treasury.bank_files import BankRow
from treasury.models import PayoutItem
from vouchers.actions.commit_redemption import commit_redemption
from vouchers.actions.propose_redemption_payable import propose_redemption_payable
from vouchers.actions.settle_payable import settle_payable, unsettle_payable

__all__ = ["east", "west"]  # fixtures

pytestmark = pytest.mark.django_db
LATE = NOW + timedelta(days=9)
LATER = NOW + timedelta(days=10)


def come_back(city, payable):
    """The bank returns what it had confirmed."""
    item = PayoutItem.objects.get(payable=payable, state="paid")
    row = BankRow(item.end_to_end_id, "returned", item.amount_fen, "AC06", "BANK-R")
    confirm_items(batch=item.batch, rows=[row], actor=city.maker, at=LATE)
    assert AuditEvent.objects.filter(kind="payable.unpaid", subject_id=str(payable.pk)).exists()
    payable.refresh_from_db()
    unsettle_payable(payable=payable, actor=SYSTEM, at=LATE)
    unsettle_payable(payable=payable, actor=SYSTEM, at=LATE)


def pay_again(city, payable):
    """Into an account that somebody else has verified since."""
    give_account(city, payable.payee, at=LATER, verifier=city.finance_1)
    batch = make_batch(issuer=city.organization, payables=[payable], actor=city.maker, at=LATER)
    for act, actor in (
        (freeze_batch, city.maker),
        (check_batch, city.checker),
        (release_batch, city.releaser),
        (export_batch, city.maker),
        (mark_sent, city.maker),
    ):
        act(batch=batch, actor=actor, at=LATER)
        batch.refresh_from_db()
    row = BankRow(batch.items.get().end_to_end_id, "paid", payable.amount_fen, None, "BANK-2")
    confirm_items(batch=batch, rows=[row], actor=city.maker, at=LATER)
    payable.refresh_from_db()
    settle_payable(payable=payable, actor=SYSTEM, at=LATER)


def test_a_redemption_is_payable_again_until_it_is_reissued():
    office = make_office()
    voucher, holder = make_voucher(office)
    redemption = reserve(voucher, holder, 500)
    commit_redemption(redemption=redemption, amount_fen=500, actor=office.decider, at=NOW)
    redemption.refresh_from_db()
    payable = propose_redemption_payable(redemption=redemption, actor=office.city.maker, at=NOW)
    pay(type("Paying", (), {"office": office}), payable)
    redemption.refresh_from_db()
    assert redemption.state == "settled"
    come_back(office.city, payable)
    redemption.refresh_from_db()
    assert redemption.state == "payable"
    assert broken() == set()
    pay_again(office.city, payable)
    redemption.refresh_from_db()
    assert redemption.state == "settled"
    unsettle_payable(payable=payable, actor=SYSTEM, at=LATE)  # news that comes late
    redemption.refresh_from_db()
    assert redemption.state == "settled"
    assert broken() == set()


def test_a_clearing_between_regions_waits_for_its_money_again(east, west):
    same_year(east, west)
    agree(east, west)
    spend(east, west, 500)
    clearing = confirm(close(east, west), west, east)
    pay(east, clearing.payable)
    clearing.refresh_from_db()
    assert (clearing.state, balance(west, f"net:{clearing.pk}:due")) == ("settled", 0)
    come_back(east.office.city, clearing.payable)
    clearing.refresh_from_db()
    assert (clearing.state, balance(west, f"net:{clearing.pk}:due")) == ("confirmed", -500)
    assert broken() == set()
    pay_again(east.office.city, clearing.payable)
    clearing.refresh_from_db()
    assert (clearing.state, balance(west, f"net:{clearing.pk}:due")) == ("settled", 0)
    assert broken() == set()
