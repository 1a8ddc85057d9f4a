"""What the ledger lets happen, and what the database itself refuses."""

import threading
from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction

from audit.decisions import SYSTEM
from ledger.actions.place_hold import place_hold
from ledger.actions.post_transfer import Move, post_transfer
from ledger.actions.resolve_hold import expire_hold, post_hold, void_hold
from ledger.actions.reverse_transfer import reverse_transfer
from ledger.models import Account, Book, HoldResolution, Posting, Transfer
from ledger.queries import balance_fen
from ledger.refusals import (
    AlreadyReversed,
    BookClosed,
    HoldExpired,
    HoldNotDue,
    HoldResolved,
    InsufficientFunds,
    InvalidPosting,
    ReferenceReused,
)
from tests.factories import NOW, make_account, make_book

pytestmark = pytest.mark.django_db(transaction=True)


def post(reference, source, destination, amount_fen, **more):
    return post_transfer(
        reference=reference,
        kind="test",
        moves=[Move(source, destination, amount_fen)],
        effective_at=more.pop("at", NOW),
        actor=SYSTEM,
        **more,
    )


@pytest.fixture
def book():
    return make_book()


@pytest.fixture
def purse(book):
    return make_account(book, "env:1:available", holding_fen=1000)


@pytest.fixture
def other(book):
    return make_account(book, "env:1:committed")


def test_moves_value_and_keeps_both_balances(purse, other):
    post("a", purse, other, 400)
    purse.refresh_from_db()
    other.refresh_from_db()
    assert (purse.balance_fen, other.balance_fen) == (600, 400)
    assert (balance_fen(purse), balance_fen(other)) == (600, 400)


def test_the_same_reference_and_body_is_one_transfer(purse, other):
    first = post("a", purse, other, 400)
    assert post("a", purse, other, 400) == first
    assert balance_fen(other) == 400


def test_the_same_reference_with_another_body_is_refused(purse, other):
    post("a", purse, other, 400)
    with pytest.raises(ReferenceReused):
        post("a", purse, other, 401)


def test_never_below_the_floor_and_nothing_half_done(purse, other, book):
    third = make_account(book, "third")
    with pytest.raises(InsufficientFunds):
        post_transfer(
            reference="a",
            kind="test",
            moves=[Move(purse, other, 600), Move(purse, third, 401)],
            effective_at=NOW,
            actor=SYSTEM,
        )
    assert balance_fen(purse) == 1000
    assert not Transfer.objects.filter(reference="a").exists()


@pytest.mark.parametrize("amount_fen", [0, -1, 2**53, 1.5, True])
def test_refuses_amounts_that_are_no_money(purse, other, amount_fen):
    with pytest.raises(InvalidPosting):
        post("a", purse, other, amount_fen)


def test_refuses_a_transfer_in_a_closed_book(purse, other, book):
    Book.objects.filter(pk=book.pk).update(state="closed")
    with pytest.raises(BookClosed):
        post("a", purse, other, 1)


def test_a_reversal_is_the_opposite_and_happens_once(purse, other):
    transfer = post("a", purse, other, 400)
    reverse_transfer(transfer=transfer, reference="undo-a", effective_at=NOW, actor=SYSTEM)
    assert balance_fen(purse) == 1000
    with pytest.raises(AlreadyReversed):
        reverse_transfer(transfer=transfer, reference="undo-b", effective_at=NOW, actor=SYSTEM)


def test_a_balance_can_be_read_as_of_an_instant(purse, other):
    post("late", purse, other, 5, at=NOW + timedelta(days=2))
    assert balance_fen(purse, effective_by=NOW + timedelta(days=1)) == 1000
    assert balance_fen(purse, effective_by=NOW + timedelta(days=3)) == 995


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger_posting SET amount_fen = amount_fen + 1",
        "DELETE FROM ledger_posting",
        "TRUNCATE ledger_posting",
        "UPDATE ledger_transfer SET kind = 'other'",
        "DELETE FROM ledger_transfer",
        "TRUNCATE ledger_transfer CASCADE",
        "UPDATE ledger_account SET balance_fen = balance_fen + 1",
        "DELETE FROM ledger_account",
        "INSERT INTO ledger_account (book_id, code, floor_fen, balance_fen)"
        " SELECT book_id, 'gift', 0, 100 FROM ledger_account LIMIT 1",
        "INSERT INTO ledger_posting (transfer_id, source_id, destination_id, amount_fen)"
        " SELECT transfer_id, source_id, destination_id, amount_fen FROM ledger_posting LIMIT 1",
    ],
)
def test_a_shell_session_cannot_rewrite_the_ledger(purse, other, statement):
    post("a", purse, other, 400)
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert (balance_fen(purse), balance_fen(other)) == (600, 400)


def test_a_transfer_without_postings_cannot_be_committed(book):
    with pytest.raises(DatabaseError), transaction.atomic():
        Transfer.objects.create(
            reference="empty", body_hash="0" * 64, kind="x", book=book, effective_at=NOW
        )


def test_a_posting_cannot_leave_its_book(purse):
    elsewhere = make_account(make_book(), "elsewhere")
    with pytest.raises(InvalidPosting):
        post("a", purse, elsewhere, 1)
    with transaction.atomic():
        transfer = Transfer.objects.create(
            reference="b", body_hash="0" * 64, kind="x", book=purse.book, effective_at=NOW
        )
        with pytest.raises(DatabaseError), transaction.atomic():
            Posting.objects.create(
                transfer=transfer, source=purse, destination=elsewhere, amount_fen=1
            )
        transaction.set_rollback(True)


class TestHolds:
    deadline = NOW + timedelta(hours=1)

    @pytest.fixture
    def hold(self, purse, other):
        return place_hold(
            reference="h",
            source=purse,
            held_in=other,
            amount_fen=700,
            deadline_at=self.deadline,
            actor=SYSTEM,
            at=NOW,
        )

    @pytest.fixture
    def earned(self, book):
        return make_account(book, "earned")

    def resolve(self, hold, earned, amount_fen, at=NOW):
        return post_hold(hold=hold, amount_fen=amount_fen, destination=earned, actor=SYSTEM, at=at)

    def test_floors_count_what_is_held(self, hold, purse, earned):
        with pytest.raises(InsufficientFunds):
            post("a", purse, earned, 301)

    def test_a_partial_post_gives_the_rest_back(self, hold, purse, other, earned):
        self.resolve(hold, earned, 450)
        assert (balance_fen(purse), balance_fen(other), balance_fen(earned)) == (550, 0, 450)

    def test_posting_twice_alike_is_one_posting_and_otherwise_refused(self, hold, earned, purse):
        first = self.resolve(hold, earned, 450)
        assert self.resolve(hold, earned, 450) == first
        with pytest.raises(HoldResolved):
            self.resolve(hold, earned, 451)
        with pytest.raises(HoldResolved):
            void_hold(hold=hold, actor=SYSTEM, at=NOW)
        assert balance_fen(purse) == 550

    def test_never_more_than_held(self, hold, earned):
        with pytest.raises(InvalidPosting):
            self.resolve(hold, earned, 701)

    def test_an_expired_hold_is_not_posted_and_an_unexpired_one_does_not_expire(
        self, hold, earned, purse
    ):
        with pytest.raises(HoldExpired):
            self.resolve(hold, earned, 1, at=self.deadline)
        with pytest.raises(HoldNotDue):
            expire_hold(hold=hold, actor=SYSTEM, at=self.deadline - timedelta(seconds=1))
        expire_hold(hold=hold, actor=SYSTEM, at=self.deadline)
        assert balance_fen(purse) == 1000

    def test_post_and_void_at_the_same_instant_end_in_one_outcome(self, hold, earned, purse):
        outcomes: list[object] = []
        barrier = threading.Barrier(2)

        def run(action):
            barrier.wait()
            try:
                outcomes.append(action())
            except HoldResolved as refusal:
                outcomes.append(refusal)
            finally:
                connection.close()

        threads = [
            threading.Thread(target=run, args=[lambda: self.resolve(hold, earned, 450)]),
            threading.Thread(target=run, args=[lambda: void_hold(hold=hold, actor=SYSTEM, at=NOW)]),
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sum(isinstance(each, HoldResolved) for each in outcomes) == 1
        assert HoldResolution.objects.count() == 1
        assert balance_fen(purse) in (1000, 550)


def test_64_threads_on_an_oversubscribed_account_end_exactly_at_zero(book, purse, other):
    results: list[bool] = []
    barrier = threading.Barrier(64)

    def spend(number):
        barrier.wait()
        try:
            post(f"spend-{number}", purse, other, 17)
            results.append(True)
        except InsufficientFunds:
            results.append(False)
        finally:
            connection.close()

    threads = [threading.Thread(target=spend, args=[number]) for number in range(64)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results.count(True) == 1000 // 17
    assert Account.objects.get(pk=purse.pk).balance_fen == 1000 - 17 * (1000 // 17)
    assert balance_fen(purse) == Account.objects.get(pk=purse.pk).balance_fen
