"""A voucher spent and paid out, so that every page has something to show."""

from dataclasses import dataclass

import pytest
from django.test import Client

from audit.decisions import Actor
from identity.models import Membership, User
from tests.factories import NOW, make_actor, make_organization
from tests.treasury.conftest import give_account
from tests.vouchers.office import Office, make_office, make_voucher, reserve
from treasury.actions.approve_payable import approve_payable
from treasury.actions.confirm_items import confirm_items
from treasury.actions.export_batch import export_batch
from treasury.actions.make_batch import make_batch
from treasury.actions.mark_sent import mark_sent
from treasury.actions.sign_batch import check_batch, freeze_batch, release_batch
from treasury.bank_files import BankRow
from treasury.models import PayoutBatch
from vouchers.actions.commit_redemption import commit_redemption
from vouchers.actions.propose_redemption_payable import propose_redemption_payable
from vouchers.actions.settle_payable import settle_payable
from vouchers.models import Redemption

SPENT_FEN = 123_45


@dataclass(frozen=True)
class Spent:
    """A redemption, who issued its voucher, who holds it, and the batch that paid for it."""

    office: Office
    applicant: Actor
    redemption: Redemption
    batch: PayoutBatch


@pytest.fixture
def spent(db: None) -> Spent:
    return spend_and_pay()


def spend_and_pay() -> Spent:
    office = make_office()
    city = office.city
    voucher, applicant = make_voucher(office)
    redemption = reserve(voucher, applicant, SPENT_FEN + 1_00)
    commit_redemption(redemption=redemption, amount_fen=SPENT_FEN, actor=office.decider, at=NOW)
    redemption.refresh_from_db()
    payable = propose_redemption_payable(redemption=redemption, actor=city.maker, at=NOW)
    for approver in (city.finance_1, city.finance_2):
        approve_payable(payable=payable, actor=approver, at=NOW)
        payable.refresh_from_db()
    give_account(city, redemption.provider)
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
    row = BankRow(item.end_to_end_id, "paid", item.amount_fen, None, "BANK-77")
    confirm_items(batch=batch, rows=[row], actor=city.maker, at=NOW)
    payable.refresh_from_db()
    settle_payable(payable=payable, actor=city.maker, at=NOW)
    redemption.refresh_from_db()
    return Spent(office, applicant, redemption, batch)


def browser(actor: Actor | None, *, language: str = "en") -> Client:
    """A logged-in browser of `actor`, or a stranger's."""
    client = Client(SERVER_NAME="localhost", HTTP_ACCEPT_LANGUAGE=language)
    if actor is not None:
        assert Membership.objects.filter(user=actor.person_id).exists()
        client.force_login(User.objects.get(pk=actor.person_id))
    return client


def auditor() -> Actor:
    return make_actor(make_organization("government"), "auditor")


def provider_of(redemption: Redemption) -> Actor:
    return make_actor(redemption.provider, "provider_admin")
