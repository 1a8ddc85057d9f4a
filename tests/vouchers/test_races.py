"""Many at once: the last fen is spent once, a hold ends once, a cap counts everybody."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connection, connections

from audit.decisions import SYSTEM
from audit.proofs import prove
from ledger.proofs import PROOFS as LEDGER_PROOFS
from ledger.refusals import HoldExpired, HoldResolved, ReferenceReused
from tests.factories import NOW, make_organization
from tests.vouchers.office import (
    Office,
    apply,
    balances,
    make_applicant,
    make_office,
    make_programme,
    make_voucher,
    organization_of,
    reserve,
    zhongwei,
)
from tests.vouchers.rules.sheets import WAN
from vouchers.actions.award_subsidy import propose_award
from vouchers.actions.commit_redemption import commit_redemption
from vouchers.actions.expire_due_holds import expire_due_holds
from vouchers.actions.review_application import approve_application, recommend_application
from vouchers.models import Application, Redemption, SubsidyAward, Voucher
from vouchers.proofs import PROOFS
from vouchers.refusals import NotEntitled, VoucherExhausted

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

THREADS = 32


@pytest.fixture
def office() -> Office:
    return make_office()


def at_once(*deeds: Callable[[], object]) -> list[object]:
    """Run every deed in its own thread and connection, together; answers or exceptions."""
    start = Barrier(len(deeds))

    def run(deed: Callable[[], object]) -> object:
        try:
            start.wait(timeout=30)
            return deed()
        except Exception as error:
            return error
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(deeds)) as pool:
        return list(pool.map(run, deeds))


def violations() -> list[object]:
    return [
        (each.name, each.examples)
        for each in prove("vouchers", PROOFS) + prove("ledger", LEDGER_PROOFS)
        if not each.holds
    ]


def reserve_at_once(office: Office) -> tuple[Voucher, list[object]]:
    """32 threads each want a tenth of one voucher."""
    voucher, holder = make_voucher(office)
    provider = make_organization("provider")
    outcomes = at_once(
        *(
            lambda number=number: reserve(
                voucher, holder, WAN // 10, provider=provider, order=f"race-{number}"
            )
            for number in range(THREADS)
        )
    )
    return voucher, outcomes


def test_32_threads_on_one_voucher_end_exactly_at_zero(office: Office) -> None:
    voucher, outcomes = reserve_at_once(office)
    assert sum(isinstance(each, Redemption) for each in outcomes) == 10
    assert sum(isinstance(each, VoucherExhausted) for each in outcomes) == THREADS - 10
    assert balances(voucher) == (0, 1 * WAN)
    assert violations() == []


def test_without_the_floor_the_same_race_overspends(office: Office) -> None:
    """The guard is the constraint and nothing else: taken out, the race above goes red."""
    floor = "an_account_never_falls_below_its_floor"
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = %s", [floor]
        )
        (definition,) = cursor.fetchone()
        cursor.execute(f"ALTER TABLE ledger_account DROP CONSTRAINT {floor}")
    try:
        voucher, outcomes = reserve_at_once(office)
        assert sum(isinstance(each, Redemption) for each in outcomes) == THREADS
        assert balances(voucher)[0] < 0
        assert "I2" in {name for name, _examples in violations()}
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SET session_replication_role = replica")
            cursor.execute("UPDATE ledger_account SET balance_fen = 0 WHERE balance_fen < 0")
            cursor.execute("SET session_replication_role = origin")
            cursor.execute(f"ALTER TABLE ledger_account ADD CONSTRAINT {floor} {definition}")


def test_one_order_reserved_by_many_threads_is_one_hold(office: Office) -> None:
    voucher, holder = make_voucher(office)
    provider = make_organization("provider")
    outcomes = at_once(
        *(
            lambda: reserve(voucher, holder, 40_00, provider=provider, order="the same")
            for _ in range(8)
        )
    )
    assert {each.pk for each in outcomes if isinstance(each, Redemption)} == {
        Redemption.objects.get().pk
    }
    assert balances(voucher) == (1 * WAN - 40_00, 40_00)


def test_an_order_reference_does_not_stand_for_something_else(office: Office) -> None:
    voucher, holder = make_voucher(office)
    provider = make_organization("provider")
    reserve(voucher, holder, 40_00, provider=provider, order="taken")
    with pytest.raises(ReferenceReused):
        reserve(voucher, holder, 41_00, provider=provider, order="taken")
    other, other_holder = make_voucher(office)
    with pytest.raises(ReferenceReused):
        reserve(other, other_holder, 40_00, provider=provider, order="taken")
    assert balances(voucher) == (1 * WAN - 40_00, 40_00)
    assert balances(other) == (1 * WAN, 0)


def test_a_hold_that_expires_while_it_is_redeemed_ends_one_way(office: Office) -> None:
    deadline_at = NOW + timedelta(hours=1)
    for _ in range(5):
        voucher, holder = make_voucher(office)
        redemption = reserve(voucher, holder, 50_00, deadline_at=deadline_at)
        redeem_it = Redemption.objects.select_related("hold", "voucher__envelope__book").get(
            pk=redemption.pk
        )
        outcomes = at_once(
            lambda redeem_it=redeem_it: commit_redemption(
                redemption=redeem_it,
                amount_fen=30_00,
                actor=SYSTEM,
                at=deadline_at - timedelta(seconds=1),
            ),
            lambda: expire_due_holds(actor=SYSTEM, at=deadline_at),
            lambda: expire_due_holds(actor=SYSTEM, at=deadline_at),
        )
        redemption.refresh_from_db()
        if redemption.state == Redemption.State.COMMITTED:
            assert balances(voucher) == (1 * WAN - 30_00, 0)
            assert outcomes[1:] == [0, 0]
        else:
            assert redemption.state == Redemption.State.LAPSED
            assert isinstance(outcomes[0], HoldResolved | HoldExpired), outcomes
            assert balances(voucher) == (1 * WAN, 0)
            assert sorted(outcomes[1:], key=str) == [0, 1]
    assert violations() == []


def test_racing_approvals_do_not_exceed_the_cap_of_the_year(office: Office) -> None:
    """Three applications of one enterprise, each for the whole cap: one is approved."""
    programme = make_programme(office)
    applicant = make_applicant()
    applications = [apply(programme, applicant) for _ in range(3)]
    for application in applications:
        recommend_application(application=application, actor=office.reviewer, at=NOW)
    outcomes = at_once(
        *(
            lambda pk=application.pk: approve_application(
                application=Application.objects.get(pk=pk), actor=office.decider, at=NOW
            )
            for application in applications
        )
    )
    assert sum(isinstance(each, Application) for each in outcomes) == 1, outcomes
    assert sum(isinstance(each, NotEntitled) for each in outcomes) == 2, outcomes
    granted = Application.objects.filter(applicant=organization_of(applicant), state="approved")
    assert [each.amount_fen for each in granted] == [1 * WAN]
    assert violations() == []


def test_racing_awards_of_one_year_do_not_exceed_its_cap(office: Office) -> None:
    """Four quarters of 100 million CNY would earn four million; the year's cap is two."""
    programme = make_programme(office, zhongwei())
    version = programme.versions.get()
    platform = make_organization("platform")
    starts = [NOW.date().replace(year=2025, month=month, day=1) for month in (1, 4, 7, 10)]
    ends = [*starts[1:], starts[0].replace(year=2026)]
    at_once(
        *(
            lambda start=start, end=end: propose_award(
                version=version,
                beneficiary=platform,
                period_start=start,
                period_end=end,
                facts={"annual_trade_volume_fen": 10_000_000_000},
                actor=office.decider,
                at=NOW,
            )
            for start, end in zip(starts, ends, strict=True)
        )
    )
    assert sum(award.amount_fen for award in SubsidyAward.objects.all()) == 200_000_000
    assert SubsidyAward.objects.count() == 4
