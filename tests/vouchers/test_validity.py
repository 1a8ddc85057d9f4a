"""A voucher's life ends at an instant in Shanghai, whenever jobs run and wherever servers stand."""

from datetime import UTC, date, datetime, timedelta

import pytest

from audit.decisions import SYSTEM, Invalid
from ledger.models import Account
from ledger.refusals import HoldResolved
from tests.factories import NOW
from tests.vouchers.office import (
    Office,
    apply,
    balances,
    decide,
    make_applicant,
    make_office,
    make_programme,
    make_voucher,
    reserve,
)
from tests.vouchers.rules.sheets import WAN, shanghai
from vouchers.actions.commit_redemption import commit_redemption, release_redemption
from vouchers.actions.expire_due_holds import expire_due_holds
from vouchers.actions.issue_voucher import issue_voucher
from vouchers.actions.lapse_due_vouchers import lapse_due_vouchers
from vouchers.models import Redemption, Voucher
from vouchers.refusals import VoucherExpired

pytestmark = pytest.mark.django_db

LAST_SECOND = shanghai(2026, 6, 30, 23, 59, 59)
MIDNIGHT = shanghai(2026, 7, 1)


@pytest.fixture
def office() -> Office:
    return make_office()


def lapsed_fen(voucher: Voucher) -> int:
    code, book = voucher.envelope.lapse_code, voucher.envelope.book
    account = Account.objects.filter(book=book, code=code).first()
    return account.balance_fen if account else 0


def test_a_voucher_can_be_reserved_in_its_last_second_in_shanghai(office: Office) -> None:
    voucher, holder = make_voucher(office)
    assert reserve(voucher, holder, 1_00, at=LAST_SECOND).state == Redemption.State.RESERVED


def test_refuses_a_voucher_that_expired_at_midnight_in_shanghai(office: Office) -> None:
    voucher, holder = make_voucher(office)
    with pytest.raises(VoucherExpired):
        reserve(voucher, holder, 1_00, at=MIDNIGHT)
    assert voucher.state == Voucher.State.CLAIMED  # no job ran; the instant itself refused


def test_midnight_in_shanghai_is_afternoon_in_utc(office: Office) -> None:
    voucher, _holder = make_voucher(office)
    assert voucher.valid_until.astimezone(UTC) == datetime(2026, 6, 30, 16, tzinfo=UTC)


def test_a_hold_made_before_midnight_is_redeemed_after_it(office: Office) -> None:
    voucher, holder = make_voucher(office)
    redemption = reserve(voucher, holder, 30_00, at=LAST_SECOND)
    lapse_due_vouchers(actor=SYSTEM, at=MIDNIGHT)
    commit_redemption(
        redemption=redemption, amount_fen=30_00, actor=SYSTEM, at=MIDNIGHT + timedelta(hours=5)
    )
    assert redemption.state == Redemption.State.COMMITTED
    assert balances(voucher) == (0, 0)
    assert lapsed_fen(voucher) == 1 * WAN - 30_00


def test_what_a_late_redemption_leaves_over_lapses_to_the_original_year(office: Office) -> None:
    voucher, holder = make_voucher(office)
    redemption = reserve(voucher, holder, 1 * WAN, at=LAST_SECOND)
    commit_redemption(redemption=redemption, amount_fen=60_00, actor=SYSTEM, at=MIDNIGHT)
    assert balances(voucher) == (0, 0)
    assert lapsed_fen(voucher) == 1 * WAN - 60_00
    assert voucher.envelope.book.budget_year == 2026


def test_a_partial_redemption_in_time_returns_the_rest_to_the_voucher(office: Office) -> None:
    voucher, holder = make_voucher(office)
    redemption = reserve(voucher, holder, 1 * WAN, deadline_at=MIDNIGHT)
    commit_redemption(redemption=redemption, amount_fen=60_00, actor=SYSTEM, at=LAST_SECOND)
    assert balances(voucher) == (1 * WAN - 60_00, 0)
    assert lapsed_fen(voucher) == 0


@pytest.mark.parametrize(
    ("at", "back_fen", "gone_fen"), [(LAST_SECOND, 1 * WAN, 0), (MIDNIGHT, 0, 1 * WAN)]
)
def test_a_release_goes_back_before_midnight_and_lapses_after(
    office: Office, at, back_fen: int, gone_fen: int
) -> None:
    voucher, holder = make_voucher(office)
    redemption = reserve(voucher, holder, 1 * WAN)
    release_redemption(redemption=redemption, actor=SYSTEM, at=at)
    assert balances(voucher) == (back_fen, 0)
    assert lapsed_fen(voucher) == gone_fen


def test_a_release_stamped_before_midnight_finds_its_voucher_expired_and_lapses(
    office: Office,
) -> None:
    """The request began at 23:59:59 and got its lock after the sweep of 00:00:00."""
    voucher, holder = make_voucher(office)
    redemption = reserve(voucher, holder, 1 * WAN)
    lapse_due_vouchers(actor=SYSTEM, at=MIDNIGHT)
    release_redemption(redemption=redemption, actor=SYSTEM, at=LAST_SECOND)
    assert balances(voucher) == (0, 0)
    assert lapsed_fen(voucher) == 1 * WAN


def test_a_hold_past_its_deadline_gives_back_what_it_held(office: Office) -> None:
    voucher, holder = make_voucher(office)
    redemption = reserve(voucher, holder, 70_00, deadline_at=NOW + timedelta(hours=1))
    assert expire_due_holds(actor=SYSTEM, at=NOW + timedelta(minutes=59)) == 0
    assert expire_due_holds(actor=SYSTEM, at=NOW + timedelta(hours=1)) == 1
    assert expire_due_holds(actor=SYSTEM, at=NOW + timedelta(hours=1)) == 0
    redemption.refresh_from_db()
    assert redemption.state == Redemption.State.LAPSED
    assert balances(voucher) == (1 * WAN, 0)


def test_a_voucher_lapses_once_however_often_the_sweep_runs(office: Office) -> None:
    voucher, _holder = make_voucher(office)
    assert lapse_due_vouchers(actor=SYSTEM, at=LAST_SECOND) == 0
    assert lapse_due_vouchers(actor=SYSTEM, at=MIDNIGHT) == 1
    assert lapse_due_vouchers(actor=SYSTEM, at=MIDNIGHT) == 0
    assert lapsed_fen(voucher) == 1 * WAN


def test_a_voucher_is_not_issued_for_a_day_that_is_over(office: Office) -> None:
    application = decide(office, apply(make_programme(office), make_applicant()))
    yesterday = date(2026, 3, 1)
    with pytest.raises(Invalid):
        issue_voucher(
            application=application, valid_through=yesterday, actor=office.decider, at=NOW
        )


def test_issuing_twice_makes_one_voucher(office: Office) -> None:
    application = decide(office, apply(make_programme(office), make_applicant()))
    day = date(2026, 12, 31)
    first, again = (
        issue_voucher(application=application, valid_through=day, actor=office.decider, at=NOW)
        for _ in range(2)
    )
    assert first == again
    assert balances(first) == (1 * WAN, 0)


def test_a_settled_hold_is_neither_released_nor_redeemed_again(office: Office) -> None:
    voucher, holder = make_voucher(office)
    redemption = reserve(voucher, holder, 1 * WAN)
    commit_redemption(redemption=redemption, amount_fen=60_00, actor=SYSTEM, at=NOW)
    before = balances(voucher)
    with pytest.raises(HoldResolved):
        release_redemption(redemption=redemption, actor=SYSTEM, at=NOW)
    with pytest.raises(HoldResolved):
        commit_redemption(redemption=redemption, amount_fen=10_00, actor=SYSTEM, at=NOW)
    assert balances(voucher) == before
