"""Redeem at once: one call, exact to the fen, the same answer to the same order."""

import threading
from dataclasses import replace
from datetime import date

import pytest
from django.db import DatabaseError, connection, transaction

from audit.chain import verify_chain
from audit.models import AuditEvent
from audit.proofs import prove
from audit.rights import grant_application_role
from ledger.proofs import PROOFS as LEDGER
from ledger.queries import balance_fen
from ledger.refusals import ReferenceReused
from tests.factories import NOW, make_key, make_membership, make_organization
from tests.ledger.test_the_application_role import as_application
from tests.vouchers.office import (
    LAST_DAY,
    balances,
    make_office,
    make_programme,
    make_voucher,
    reserve,
)
from tests.vouchers.rules.sheets import document, rate_line
from treasury.queries import envelope_figures
from vouchers.actions.add_redemption_quota import add_redemption_quota
from vouchers.actions.issue_voucher import end_of_day
from vouchers.actions.lapse_due_vouchers import lapse_voucher
from vouchers.actions.propose_redemption_payable import propose_redemption_payable
from vouchers.actions.redeem_vouchers import Wish, redeem_batch, redeem_voucher
from vouchers.actions.return_redeemed import return_redeemed
from vouchers.models import Redemption
from vouchers.proofs import PROOFS as VOUCHERS
from vouchers.refusals import NotTheHolder, PartTooLarge, VoucherExhausted, VoucherExpired

pytestmark = pytest.mark.django_db
WAN = 10_000_00


@pytest.fixture
def office():
    return make_office()


@pytest.fixture
def held(office):
    """A voucher of 1 WAN and its holder."""
    return make_voucher(office)


@pytest.fixture
def provider():
    return make_organization("provider")


def wish(held, provider, amount_fen, order, **more):
    voucher, holder = held
    return Wish(voucher.pk, order, provider.pk, amount_fen, more.get("actor", holder))


def outcomes(answers):
    return [answer.outcome for answer in answers]


def redeem(held, provider, amount_fen, order, **more):
    voucher, holder = held
    return redeem_voucher(
        voucher=voucher,
        order_reference=order,
        order_amount_fen=more.pop("order_amount_fen", amount_fen * 10),
        amount_fen=amount_fen,
        provider=provider,
        actor=more.pop("actor", holder),
        at=more.pop("at", NOW),
    )


def all_proofs_hold():
    found = [*prove("ledger", LEDGER), *prove("vouchers", VOUCHERS)]
    assert [each for each in found if not each.holds] == []


def test_one_call_writes_redemption_transfer_and_event(held, provider, django_assert_num_queries):
    with django_assert_num_queries(1):
        (answer,) = redeem_batch([wish(held, provider, 100_00, "o1")], at=NOW)
    assert answer.outcome == "redeemed", answer
    redemption = Redemption.objects.get(pk=answer.redemption_id)
    assert answer.outcome == "redeemed"
    assert (redemption.state, redemption.committed_fen) == ("committed", 100_00)
    assert balances(held[0]) == (WAN - 100_00, 0)
    assert balance_fen(redemption.earned) == 100_00
    event = AuditEvent.objects.get(kind="redemption.redeemed", subject_id=str(redemption.pk))
    assert event.person_id == held[1].person_id
    assert event.data["amount_fen"] == 100_00
    all_proofs_hold()


def test_its_event_is_canonical_whatever_the_order_is_called(held, provider):
    redeem_batch([wish(held, provider, 1, 'quote " back \\ 中文 \n tab\t é \x1f')], at=NOW)
    assert [fault for fault in verify_chain().faults if "columns" in fault.what] == []


def test_the_last_fen_is_redeemed_once_and_a_refused_one_fails_no_neighbor(held, provider):
    asked = [(60, "a"), (50, "b"), (40, "c"), (1, "d")]
    answers = redeem_batch([wish(held, provider, n * WAN // 100, o) for n, o in asked], at=NOW)
    assert outcomes(answers) == ["redeemed", "exhausted", "redeemed", "exhausted"]
    assert balances(held[0]) == (0, 0)
    all_proofs_hold()


def test_repetitions_have_one_answer_in_a_batch_and_later(held, provider):
    first, again, other = redeem_batch(
        [wish(held, provider, fen, "o1") for fen in (100, 100, 101)], at=NOW
    )
    assert outcomes([first, again, other]) == ["redeemed", "replayed", "conflict"]
    assert first.redemption_id == again.redemption_id
    late = redeem_batch([wish(held, provider, 100, "o1")], at=end_of_day(LAST_DAY))
    assert (late[0].outcome, late[0].redemption_id) == ("replayed", first.redemption_id)
    assert balances(held[0]) == (WAN - 100, 0)


def test_refuses_strangers_strange_providers_and_what_is_over(held, provider, office):
    _other, stranger = make_voucher(office)
    enterprise = make_organization("enterprise")
    answers = redeem_batch(
        [
            wish(held, provider, 1, "a", actor=stranger),
            wish(held, enterprise, 1, "b"),
            wish(held, provider, 0, "c"),
            wish(held, provider, 1, "d"),
        ],
        at=NOW,
    )
    assert outcomes(answers) == ["not_the_holder", "no_such_provider", "invalid", "redeemed"]
    assert outcomes(redeem_batch([wish(held, provider, 1, "e")], at=end_of_day(LAST_DAY))) == [
        "expired"
    ]


def test_the_quota_is_exact_across_vouchers(held, provider, office):
    envelope = held[0].envelope
    quota = add_redemption_quota(
        envelope=envelope, amount_fen=100, reference="q1", actor=office.decider, at=NOW
    )
    answers = redeem_batch([wish(held, provider, n, f"o{n}") for n in (70, 40, 30)], at=NOW)
    assert outcomes(answers) == ["redeemed", "quota_spent", "redeemed"]
    assert balance_fen(quota) == 0
    assert envelope_figures(envelope).earned_fen == 100
    all_proofs_hold()


def test_the_terms_say_how_much_of_an_order(held, provider):
    with pytest.raises(PartTooLarge):
        redeem(held, provider, 100, "o1", order_amount_fen=99)
    with pytest.raises(NotTheHolder):
        redeem(held, provider, 100, "o1", actor=replace(held[1], organization_id=-1))
    first = redeem(held, provider, 100, "o1")
    assert redeem(held, provider, 100, "o1") == first
    with pytest.raises(ReferenceReused):
        redeem(held, provider, 101, "o1")
    with pytest.raises(VoucherExpired):
        redeem(held, provider, 1, "o3", at=end_of_day(LAST_DAY))


def test_what_orders_hold_is_not_there_to_spend(office, provider):
    programme = make_programme(office, document(rate_line("0.2")))
    held = make_voucher(office, programme=programme)
    reserve(*held, WAN - 200)
    with pytest.raises(VoucherExhausted):
        redeem(held, provider, 201, "o1")
    redeem(held, provider, 200, "o2")


def test_over_http_the_same_order_is_the_same_redemption(office, provider, client):
    voucher, _holder = make_voucher(office, valid_through=date(2099, 12, 31))
    member = make_membership(voucher.holder, "enterprise_applicant")
    body = {
        "order_reference": "o1",
        "order_amount_fen": 1000,
        "amount_fen": 100,
        "provider": provider.pk,
    }
    headers = {"authorization": make_key(member)}
    url = f"/api/v1/vouchers/{voucher.pk}/redeem"
    first, again = (
        client.post(url, body, content_type="application/json", headers=headers) for _ in range(2)
    )
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json() == again.json()
    refused = client.post(
        url, body | {"amount_fen": 99}, content_type="application/json", headers=headers
    )
    assert (refused.status_code, refused.json()["code"]) == (422, "reference_reused")


def test_what_was_redeemed_is_owed_and_may_be_returned(held, provider, office):
    one, two = redeem(held, provider, 100, "o1"), redeem(held, provider, 50, "o2")
    assert one.earned == two.earned
    return_redeemed(redemption=one, amount_fen=30, reference="r", actor=office.decider, at=NOW)
    payable = propose_redemption_payable(redemption=two, actor=office.reviewer, at=NOW)
    assert (payable.amount_fen, payable.payee) == (50, provider)
    assert balance_fen(one.earned) == 120
    all_proofs_hold()


@pytest.mark.django_db(transaction=True)
def test_a_lapse_and_redemptions_at_the_same_instant_lose_no_fen(held, provider):
    voucher, holder = held
    barrier = threading.Barrier(4)
    said = []

    def run(lane):
        barrier.wait()
        try:
            if lane == 0:
                lapse_voucher(voucher_id=voucher.pk, actor=holder, at=end_of_day(LAST_DAY))
                return
            for turn in range(5):
                batch = [wish(held, provider, WAN // 20, f"{lane}-{turn}-{n}") for n in range(3)]
                said.extend(outcomes(redeem_batch(batch, at=NOW)))
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[lane]) for lane in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert balances(voucher) == (0, 0)
    assert set(said) <= {"redeemed", "exhausted", "not_usable"}
    all_proofs_hold()


def test_the_application_role_redeems_but_cannot_write_one_itself(held, provider):
    grant_application_role()
    with as_application():
        (answer,) = redeem_batch([wish(held, provider, 100, "o1")], at=NOW)
        assert answer.outcome == "redeemed"
        copy = (
            "INSERT INTO vouchers_redemption (voucher_id, version_id, order_reference, provider_id,"
            " transfer_id, earned_id, reserved_fen, committed_fen, returned_fen, reserved_at,"
            " state)"
            " SELECT voucher_id, version_id, 'mine', provider_id, transfer_id + 1, earned_id, 5, 5,"
            " 0, now(), 'committed' FROM vouchers_redemption"
        )
        with (
            pytest.raises(DatabaseError, match="no such voucher, provider or transfer"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(copy)
