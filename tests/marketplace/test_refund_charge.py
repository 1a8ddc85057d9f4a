"""A refund goes back to those who paid, as they paid, and never beyond the charge."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from hypothesis import given
from hypothesis import strategies as st

from audit.decisions import SYSTEM, Actor, Invalid, NotPermitted, StaleState
from audit.models import AuditEvent
from audit.proofs import prove
from ledger.refusals import ReferenceReused
from marketplace.actions.clear_charges import clear_charges
from marketplace.actions.refund_charge import _split, refund_charge
from marketplace.actions.send_refund import note_refund, send_refund
from marketplace.models import Charge, Payment, Refund
from marketplace.proofs import PROOFS
from marketplace.refusals import NothingToClear, RefundAfterPayable, RefundBeyondCharge
from tests.factories import NOW, make_actor
from tests.marketplace.gateway.conftest import KEY, GatewayProcess
from tests.marketplace.orders import Buyer, charged, make_buyer
from tests.vouchers.office import balances
from tests.vouchers.rules.sheets import WAN
from tests.vouchers.test_races import at_once, violations
from treasury.models import Payable
from vouchers.actions.propose_redemption_payable import propose_redemption_payable

FACE = 1 * WAN


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[GatewayProcess]:
    gateway = GatewayProcess(tmp_path / "gateway.sqlite")
    gateway.start()
    yield gateway
    gateway.kill()


@pytest.fixture
def buyer(db: None) -> Buyer:
    return make_buyer(face_fen=FACE)


def seller_of(charge: Charge) -> Actor:
    return make_actor(charge.order.provider, "provider_admin")


def paid(buyer: Buyer) -> Charge:
    """3,000 fen: 600 by the voucher, 2,400 by the enterprise, who has paid them."""
    charge = charged(buyer)
    Payment.objects.filter(charge=charge).update(
        state="succeeded", succeeded_at=NOW, intent_id=f"pi_{charge.pk}"
    )
    return charge


def refund(charge: Charge, amount_fen: int, reference: str = "r1", **more: Any) -> Refund:
    return refund_charge(
        charge=charge,
        amount_fen=amount_fen,
        reference=reference,
        reason="the pool was down",
        actor=more.get("actor") or seller_of(charge),
        at=more.get("at", NOW),
    )


def sound() -> bool:
    """No proof of vouchers, ledger or storefront finds anything."""
    return violations() == [] and all(each.holds for each in prove("marketplace", PROOFS))


@pytest.mark.django_db
def test_a_refund_is_split_as_the_charge_was_and_the_voucher_gets_its_part(buyer):
    charge = paid(buyer)
    made = refund(charge, 1000)
    assert (made.voucher_fen, made.own_fen, made.state) == (200, 800, "requested")
    assert balances(buyer.voucher) == (FACE - 400, 0)
    assert sound()


@pytest.mark.django_db
def test_many_small_refunds_round_no_further_than_one(buyer):
    charge = paid(buyer)
    made = [refund(charge, 7, f"r{number}") for number in range(9)]
    assert sum(each.voucher_fen for each in made) == 63 * 600 // 3000
    assert sum(each.total_fen for each in made) == 63
    assert sound()


@given(parts=st.lists(st.integers(1, 400), max_size=30), voucher=st.integers(0, 3000))
def test_any_way_of_refunding_all_of_it_gives_everybody_their_part_back(parts, voucher):
    rows: list[tuple[int, int]] = []

    class Stub:
        total_fen, voucher_fen = 3000, voucher
        refunds = property(lambda self: self)

        def aggregate(self, **_asked: Any) -> dict[str, int]:
            return {
                "total": sum(total for total, _ in rows),
                "voucher": sum(part for _, part in rows),
            }

    for amount in [*parts, 3000]:
        left = 3000 - sum(total for total, _ in rows)
        taken = min(amount, left)
        if taken:
            to_voucher, to_own = _split(Stub(), taken)
            assert min(to_voucher, to_own) >= 0
            rows.append((taken, to_voucher))
    assert sum(part for _, part in rows) == voucher


@pytest.mark.django_db
def test_after_the_vouchers_validity_its_part_lapses_to_its_envelope(buyer):
    charge = paid(buyer)
    late = buyer.voucher.valid_until + timedelta(seconds=1)
    refund(charge, 3000, at=late)
    assert balances(buyer.voucher) == (FACE - 600, 0)
    redemption = charge.order.redemption
    redemption.refresh_from_db()
    assert (redemption.state, redemption.kept_fen) == ("returned", 0)
    assert sound()


@pytest.mark.django_db
def test_the_same_reference_is_the_same_refund_and_another_amount_is_refused(buyer):
    charge = paid(buyer)
    first = refund(charge, 1000)
    assert refund(charge, 1000).pk == first.pk
    with pytest.raises(ReferenceReused):
        refund(charge, 999)
    assert Refund.objects.count() == 1
    assert AuditEvent.objects.filter(kind="refund.granted").count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize("amount", [0, -1])
def test_an_amount_that_is_none_is_refused(buyer, amount):
    with pytest.raises(Invalid):
        refund(paid(buyer), amount)


@pytest.mark.django_db
def test_more_than_is_left_is_refused(buyer):
    charge = paid(buyer)
    refund(charge, 2000)
    with pytest.raises(RefundBeyondCharge) as refused:
        refund(charge, 1001, "r2")
    assert refused.value.facts["left_fen"] == 1000


@pytest.mark.django_db
def test_the_database_refuses_what_goes_beyond_the_charge(buyer):
    charge = paid(buyer)
    refund(charge, 2000)
    with pytest.raises(DatabaseError, match="refunds stay within their charge"):  # noqa: SIM117
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO marketplace_refund (reference, charge_id, total_fen, voucher_fen,"
                " own_fen, reason, failure, granted_at, state)"
                " VALUES ('x', %s, 1601, 0, 1601, '', '', now(), 'requested')",
                [charge.pk],
            )


@pytest.mark.django_db
def test_nothing_is_refunded_before_it_was_paid_nor_by_the_buyer(buyer):
    charge = charged(buyer)
    with pytest.raises(StaleState):
        refund(charge, 10)
    with pytest.raises(NotPermitted):
        refund(charge, 10, actor=buyer.actor)
    assert not Refund.objects.exists()


@pytest.mark.django_db
def test_what_is_payable_already_is_not_taken_back_quietly(buyer):
    charge = paid(buyer)
    propose_redemption_payable(redemption=charge.order.redemption, actor=SYSTEM, at=NOW)
    with pytest.raises(RefundAfterPayable):
        refund(charge, 1000)
    assert not Refund.objects.exists()


@pytest.mark.django_db
def test_clearing_owes_what_is_left_and_nothing_where_all_came_back(buyer):
    issuer = buyer.voucher.programme.issuer
    officer = make_actor(issuer, "batch_maker")
    charge = paid(buyer)
    refund(charge, 1000)
    run = clear_charges(issuer=issuer, upto=NOW + timedelta(1), actor=officer, at=NOW)
    line = run.lines.get()
    assert (line.government_fen, line.payable.amount_fen) == (400, 400)
    assert sound()
    other = paid(buyer)
    refund(other, 3000, "all")
    run = clear_charges(issuer=issuer, upto=NOW + timedelta(1), actor=officer, at=NOW)
    assert run.lines.get().payable is None
    assert Payable.objects.count() == 1
    with pytest.raises(NothingToClear):
        clear_charges(issuer=issuer, upto=NOW + timedelta(1), actor=officer, at=NOW)
    assert sound()


@pytest.mark.django_db
def test_the_gateways_word_is_noted_and_a_success_is_final(buyer):
    made = refund(paid(buyer), 1000)
    word: dict[str, Any] = {"gateway_id": "re_1", "why": "", "actor": SYSTEM, "at": NOW}
    assert note_refund(refund=made, status="failed", **word).state == "failed"
    assert note_refund(refund=made, status="succeeded", **word).state == "succeeded"
    assert note_refund(refund=made, status="failed", **word).state == "succeeded"
    kinds = AuditEvent.objects.filter(subject_type="marketplace.refund").order_by("pk")
    assert [each.kind for each in kinds] == ["refund.granted", "refund.failed", "refund.succeeded"]


@pytest.mark.django_db(transaction=True)
def test_two_refunds_that_race_end_within_the_charge():
    charge = paid(make_buyer(face_fen=FACE))
    seller = seller_of(charge)
    answers = at_once(*[lambda n=n: refund(charge, 700, f"r{n}", actor=seller) for n in range(8)])
    done = [each for each in answers if isinstance(each, Refund)]
    assert len(done) == 4
    assert all(isinstance(each, RefundBeyondCharge) for each in answers if each not in done)
    assert sound()


@pytest.mark.django_db(transaction=True)
def test_the_sandbox_gateway_sends_the_own_part_back_once(gateway, settings):
    settings.STRIPE_API_BASE, settings.STRIPE_API_KEY = gateway.url, KEY
    charge = charged(make_buyer(face_fen=FACE))
    intent = gateway.client().v1.payment_intents.create(
        {
            "amount": charge.own_fen,
            "currency": "cny",
            "payment_method": "pm_card_visa",
            "payment_method_types": ["card"],
            "confirm": True,
        }
    )
    Payment.objects.filter(charge=charge).update(
        state="succeeded", succeeded_at=NOW, intent_id=intent.id
    )
    made = refund(charge, 1000)
    for _ in range(2):
        made = send_refund(refund=made, actor=SYSTEM, at=NOW)
    assert (made.state, made.gateway_refund_id[:3]) == ("succeeded", "re_")
    taken = gateway.client().v1.refunds.list({"payment_intent": intent.id})
    assert [each.amount for each in taken.data] == [800]
