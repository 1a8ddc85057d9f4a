"""A voucher's value: held, spent in part, given back, lapsed; never twice and never beyond."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction

from audit.decisions import SYSTEM, Refusal, StaleState
from audit.proofs import prove
from ledger.refusals import HoldExpired
from tests.factories import NOW
from tests.vouchers.conftest import actor, make_office
from treasury.queries import envelope_figures
from vouchers.actions.commit_redemption import commit_redemption, release_redemption
from vouchers.actions.expire_due_holds import expire_due_holds
from vouchers.actions.reserve_voucher import reserve_voucher
from vouchers.proofs import PROOFS
from vouchers.refusals import NotTheHolder

LATER = NOW + timedelta(days=60)
FACE = 60_000_000


def reserve(office, voucher, reference="order-1", amount_fen=10_000, *, at=NOW, **other):
    return reserve_voucher(
        voucher=voucher,
        order_reference=reference,
        amount_fen=amount_fen,
        provider=office.provider,
        deadline_at=other.pop("deadline_at", LATER),
        actor=other.pop("by", actor(office.applicant)),
        at=at,
    )


def left(voucher) -> tuple[int, int]:
    voucher.available.refresh_from_db()
    voucher.reserved.refresh_from_db()
    return voucher.available.balance_fen, voucher.reserved.balance_fen


def broken() -> dict[str, int]:
    return {each.text: each.violations for each in prove("vouchers", PROOFS) if not each.holds}


def test_the_face_value_is_what_was_approved_and_left_the_envelope(office, voucher):
    assert voucher.face_fen == FACE
    assert left(voucher) == (FACE, 0)
    figures = envelope_figures(office.envelope)
    assert (figures.committed_fen, figures.in_vouchers_fen) == (0, FACE)
    assert broken() == {}


def test_nobody_but_the_holder_reserves(office, voucher):
    other = make_office()
    with pytest.raises(NotTheHolder):
        reserve(office, voucher, by=actor(other.applicant))


def test_a_due_hold_expires_and_can_no_longer_be_spent(office, voucher):
    deadline = NOW + timedelta(hours=1)
    redemption = reserve(office, voucher, deadline_at=deadline)
    with pytest.raises(HoldExpired):
        commit_redemption(redemption=redemption, amount_fen=1, actor=SYSTEM, at=deadline)
    assert expire_due_holds(actor=SYSTEM, at=deadline) == 1
    assert left(voucher) == (FACE, 0)
    redemption.refresh_from_db()
    with pytest.raises((StaleState, Refusal)):
        release_redemption(redemption=redemption, actor=SYSTEM, at=deadline)
    assert broken() == {}


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE vouchers_voucher SET state = 'issued'",
        "UPDATE vouchers_voucher SET face_fen = 1",
        "UPDATE vouchers_voucher SET holder_id = (SELECT max(id) FROM identity_organization)",
        "UPDATE vouchers_voucher SET valid_until = valid_until + interval '1 day'",
        "UPDATE vouchers_application SET state = 'draft'",
        "UPDATE vouchers_programme SET state = 'draft'",
        "UPDATE vouchers_policyversion SET state = 'draft'",
        "UPDATE vouchers_policyversion SET terms = '{}'",
        "UPDATE vouchers_policyversion SET effective_from = effective_from + interval '1 day'",
        "UPDATE vouchers_redemption SET state = 'settled'",
        "UPDATE vouchers_redemption SET committed_fen = reserved_fen + 1",
        "UPDATE vouchers_redemption SET order_reference = 'another'",
        "UPDATE vouchers_application SET approved_at = approved_at - interval '1 day'",
    ],
)
def test_a_shell_session_keeps_to_the_drawn_lines(office, voucher, sql):
    reserve(office, voucher)
    refused = pytest.raises(DatabaseError, match=r"Invalid transition|stays|keep|never")
    with refused, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)
