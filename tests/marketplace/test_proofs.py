"""The storefront's proofs name damage that got past every guard."""

from datetime import timedelta

import pytest
from django.db import connection

from audit.proofs import prove
from marketplace.actions.clear_charges import clear_charges
from marketplace.models import Charge, Payment
from marketplace.proofs import PROOFS
from tests.factories import NOW, make_actor
from tests.marketplace.orders import charged, make_buyer
from tests.marketplace.test_refund_charge import refund

pytestmark = pytest.mark.django_db


@pytest.fixture
def charge(db: None) -> Charge:
    """3,000 fen, paid, 1,000 of them refunded, and cleared."""
    buyer = make_buyer()
    charge = charged(buyer)
    Payment.objects.filter(charge=charge).update(
        state="succeeded", succeeded_at=NOW, intent_id="pi_1"
    )
    refund(charge, 1000)
    issuer = buyer.voucher.programme.issuer
    clear_charges(
        issuer=issuer,
        upto=NOW + timedelta(1),
        actor=make_actor(issuer, "batch_maker"),
        at=NOW,
    )
    return charge


def broken() -> set[str]:
    return {each.name for each in prove("marketplace", PROOFS) if not each.holds}


def damage(statement: str) -> None:
    """As one who owns the server could: with triggers off and without the named constraints."""
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(statement)
        cursor.execute("SET session_replication_role = origin")


def test_what_the_actions_wrote_is_sound(charge):
    assert broken() == set()


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        (
            "UPDATE marketplace_charge SET total_fen = total_fen + 1, own_fen = own_fen + 1",
            {"charges", "payments", "clearing"},
        ),
        (
            "UPDATE marketplace_charge SET voucher_fen = voucher_fen + 1, own_fen = own_fen - 1",
            {"vouchers", "payments", "clearing", "charges"},
        ),
        ("UPDATE marketplace_order SET state = 'cancelled'", {"charges"}),
        ("UPDATE marketplace_payment SET amount_fen = amount_fen - 1", {"payments"}),
        ("DELETE FROM marketplace_payment", {"payments"}),
        ("UPDATE marketplace_clearingline SET government_fen = 0", {"clearing"}),
        ("UPDATE marketplace_clearingline SET enterprise_fen = 1", {"clearing"}),
        (
            "UPDATE marketplace_refund SET voucher_fen = voucher_fen - 1, own_fen = own_fen + 1",
            {"refunds"},
        ),
        ("DELETE FROM marketplace_refund", {"refunds"}),
        ("UPDATE vouchers_redemption SET returned_fen = 0", {"refunds", "clearing"}),
        ("UPDATE vouchers_redemption SET committed_fen = committed_fen - 1", {"vouchers"}),
    ],
)
def test_planted_damage_is_named(charge, statement, named):
    damage(statement)
    assert broken() == named
