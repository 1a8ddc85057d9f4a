"""A settled year is the same to the fen, however often and wherever its settling is killed."""

import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from datetime import UTC, date, datetime
from itertools import count

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection

from audit.decisions import SYSTEM, NotPermitted
from ledger.models import Posting
from marketplace.tasks import settle_years
from tests.audit.conftest import tamper
from tests.factories import NOW, make_account, make_actor, make_organization
from tests.vouchers.office import (
    by_ledger,
    make_office,
    make_programme,
    make_voucher,
    reserve,
    zhongwei,
)
from tests.vouchers.test_races import at_once, violations
from vouchers.actions.commit_redemption import commit_redemption
from vouchers.actions.redeem_vouchers import Wish, redeem_batch
from vouchers.actions.return_redeemed import return_redeemed
from vouchers.actions.settle_year import count_chunk, open_settlement, settle_year
from vouchers.models import SettlementLine, SettlementSum, SubsidyAward, YearSettlement
from vouchers.refusals import YearNotOver

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
OVER = datetime(2027, 1, 4, tzinfo=UTC)
LARGE_FEN = 2_000_000_000  # earns Zhongwei's platform 1 %


class Year:
    """A year in which three providers of two platforms earned something, in each way there is."""

    def __init__(self) -> None:
        self.office = make_office()
        self.terms = make_programme(self.office, zhongwei()).versions.get()
        voucher, holder = make_voucher(self.office)
        self.book = voucher.envelope.book
        self.providers = [make_organization("provider") for _ in range(3)]
        self.platforms = [make_organization("platform") for _ in range(2)]
        self.earned = dict.fromkeys((each.pk for each in self.providers), 0)
        for number, provider in enumerate(self.providers * 3):
            amount = 100 + number
            wish = Wish(voucher.pk, f"o{number}", provider.pk, amount, holder)
            assert redeem_batch([wish], at=NOW)[0].outcome == "redeemed"
            self.earned[provider.pk] += amount
        kept = reserve(voucher, holder, 50_00)
        commit_redemption(redemption=kept, amount_fen=40_00, actor=SYSTEM, at=NOW)
        return_redeemed(redemption=kept, amount_fen=15_00, reference="r", actor=SYSTEM, at=NOW)
        self.earned[kept.provider_id] = 25_00
        large = self.providers[0].pk
        code = f"rdm:{voucher.envelope_id + 1000}-{large}:earned"
        make_account(self.book, code, holding_fen=LARGE_FEN)
        self.earned[large] += LARGE_FEN

    @property
    def members(self):
        one, two, three = self.providers
        first, second = self.platforms
        return {one: first, two: first, three: second}

    def open(self) -> YearSettlement:
        return open_settlement(
            book=self.book, members=self.members, version=self.terms, actor=SYSTEM, at=OVER
        )

    def settle(self) -> YearSettlement:
        settlement = self.open()
        settled = settle_year(
            settlement=settlement,
            propose=by_ledger(settlement),
            actor=SYSTEM,
            at=OVER,
            chunk_postings=4,
        )
        assert settled.state == "settled"
        return settled

    def assert_settled(self, *, by_books: bool = False) -> None:
        """Every fen in its line, every platform judged once; `by_books` on no orders at all."""
        assert dict(
            SettlementLine.objects.filter(is_platform=False).values_list(
                "organization", "earned_fen"
            )
        ) == (self.earned)
        one, two, three = (each.pk for each in self.providers)
        traded = self.earned[one] + self.earned[two]
        awards = SubsidyAward.objects.order_by("beneficiary")
        counted = (0, 0) if by_books else (traded, self.earned[three])
        assert [
            (award.beneficiary_id, award.facts["annual_trade_volume_fen"], award.amount_fen)
            for award in awards
        ] == [
            (self.platforms[0].pk, counted[0], counted[0] // 100),
            (self.platforms[1].pk, counted[1], 0),
        ]
        counted = SettlementSum.objects.values("first_posting", "account").distinct().count()
        assert counted == SettlementSum.objects.count()


@pytest.fixture
def year():
    return Year()


def unproved():
    return [examples for name, examples in violations() if name == "settlement"]


class Killed(BaseException):
    """As SIGKILL: nobody handles it, whatever was not committed is gone."""


@contextmanager
def killed_at(statement: int):
    """Die when the `statement`-th statement is sent."""
    sent = count(1)

    def send(execute, sql, params, many, context):
        if next(sent) == statement:
            raise Killed
        return execute(sql, params, many, context)

    with connection.execute_wrapper(send):
        yield


def test_every_fen_has_its_line_and_every_platform_its_reward(year):
    year.settle()
    year.assert_settled()
    assert unproved() == []


def test_killed_at_every_statement_it_goes_on_where_it_was(year):
    checkpoints = [0]
    for statement in count(1):
        try:
            with killed_at(statement):
                year.settle()
                break
        except Killed:
            there_is = YearSettlement.objects.filter(book=year.book).first()
            checkpoints.append(there_is.next_posting if there_is else 0)
    assert checkpoints == sorted(checkpoints)
    assert len(set(checkpoints)) > 3
    year.assert_settled()
    assert unproved() == []


def test_settling_again_changes_nothing(year):
    year.settle()
    before = list(SettlementLine.objects.order_by("pk").values_list())
    year.settle()
    assert list(SettlementLine.objects.order_by("pk").values_list()) == before
    year.assert_settled()


def test_a_worker_goes_on_with_what_another_began(year):
    count_chunk(settlement=year.open(), chunk_postings=4)
    assert settle_years() == 1
    assert settle_years() == 0
    year.assert_settled(by_books=True)


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_settle_once():
    year = Year()
    year.open()
    outcomes = at_once(*[year.settle] * 3)
    assert [each.state for each in outcomes] == ["settled"] * 3
    year.assert_settled()


def test_nothing_is_settled_before_the_year_is_over(year):
    with pytest.raises(YearNotOver):
        open_settlement(book=year.book, members={}, version=None, actor=SYSTEM, at=NOW)


def test_an_enterprise_does_not_settle(year):
    with pytest.raises(NotPermitted):
        open_settlement(
            book=year.book,
            members={},
            version=None,
            actor=make_actor(make_organization(), "enterprise_approver"),
            at=OVER,
        )


def test_a_platform_awarded_by_hand_is_not_awarded_again(year):
    from vouchers.actions.award_subsidy import propose_award

    propose_award(
        version=year.terms,
        beneficiary=year.platforms[0],
        period_start=date(2026, 1, 1),
        period_end=date(2026, 7, 1),
        facts={"annual_trade_volume_fen": LARGE_FEN},
        actor=year.office.decider,
        at=OVER,
    )
    year.settle()
    assert SubsidyAward.objects.filter(beneficiary=year.platforms[0]).count() == 1


def test_a_line_rewritten_is_found(year):
    year.settle()
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("UPDATE vouchers_settlementline SET earned_fen = earned_fen + 1")
        cursor.execute("SET LOCAL session_replication_role = origin")
    assert len(unproved()) == 1


def test_the_command_refuses_a_member_nobody_knows(year, tmp_path):
    members = tmp_path / "members.csv"
    members.write_text("91310000MA00000000,91310000MA00000001\n")
    with pytest.raises(CommandError, match="line 1: not two known USCCs"):
        call_command("settle_year", year.book.issuer_adcode, "2026", members=members)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_the_command_killed_after_each_word_it_says_ends_in_the_same_fen(tmp_path):
    year = Year()
    tamper(f"UPDATE ledger_book SET budget_year = 2020 WHERE id = {year.book.pk}")
    tamper(
        "UPDATE vouchers_policyversion SET effective_from = '2020-01-01T00:00:00Z',"
        " approved_at = '2019-12-01T00:00:00Z'"
    )
    members = tmp_path / "members.csv"
    members.write_text(
        "".join(f"{platform.uscc},{each.uscc}\n" for each, platform in year.members.items())
    )
    command = [sys.executable, "manage.py", "settle_year", year.book.issuer_adcode, "2020"]
    command += ["--members", str(members), "--terms", year.terms.label, "--chunk"]
    command += [str(Posting.objects.latest("pk").pk // 3 + 1)]
    for words in count(1):
        if _run(command, kill_after=words) == 0:
            break
        assert words < 20
    year.assert_settled(by_books=True)


def _run(command, *, kill_after: int) -> int:
    """Run it and kill it after so many lines of progress; its exit code."""
    head, mark, options = os.environ["DATABASE_URL"].partition("?")
    url = f"{head.rpartition('/')[0]}/{connection.settings_dict['NAME']}{mark}{options}"
    process = subprocess.Popen(
        command,
        cwd=settings.BASE_DIR,
        env={**os.environ, "DATABASE_URL": url},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    for said, line in enumerate(process.stderr, 1):
        if "Error" in line:
            pytest.fail(line)
        if said == kill_after:
            process.send_signal(signal.SIGKILL)
    return process.wait(60)
