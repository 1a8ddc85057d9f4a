"""A closed period stays as it was; corrections are posted in the open one, newest undone first."""

import threading
from datetime import timedelta

import pytest
from django.db import connection, transaction

from audit.decisions import SYSTEM, Invalid
from ledger.actions.close_period import close_book, close_period
from ledger.actions.post_transfer import Move, post_transfer
from ledger.actions.reverse_transfer import reverse_transfer
from ledger.actions.unwind_transfers import unwind_transfers
from ledger.queries import balance_fen
from ledger.refusals import AlreadyReversed, BookClosed, InsufficientFunds, PeriodClosed
from tests.factories import NOW, make_account, make_book

pytestmark = pytest.mark.django_db
MONTH_END = NOW + timedelta(days=1)
LATER = NOW + timedelta(days=2)


@pytest.fixture
def book():
    return make_book()


@pytest.fixture
def purse(book):
    return make_account(book, "env:1:available", holding_fen=1000)


@pytest.fixture
def other(book):
    return make_account(book, "env:1:committed")


def post(reference, source, destination, amount_fen, at):
    return post_transfer(
        reference=reference,
        kind="test",
        moves=[Move(source, destination, amount_fen)],
        effective_at=at,
        actor=SYSTEM,
    )


def test_a_closed_period_takes_nothing_and_a_correction_goes_into_the_open_one(book, purse, other):
    wrong = post("a", purse, other, 400, NOW)
    close_period(book=book, until=MONTH_END, actor=SYSTEM, at=LATER)
    with pytest.raises(PeriodClosed):
        post("late", purse, other, 1, NOW)
    with pytest.raises(PeriodClosed):
        reverse_transfer(transfer=wrong, reference="undo", effective_at=NOW, actor=SYSTEM)
    reverse_transfer(transfer=wrong, reference="undo", effective_at=LATER, actor=SYSTEM)
    assert balance_fen(other, effective_by=MONTH_END) == 400  # as it was
    assert balance_fen(other) == 0


def test_what_was_posted_before_is_still_answered_after_the_close(book, purse, other):
    first = post("a", purse, other, 400, NOW)
    close_period(book=book, until=MONTH_END, actor=SYSTEM, at=LATER)
    assert post("a", purse, other, 400, NOW) == first


def test_a_close_is_not_taken_back_and_not_made_early(book, purse, other):
    close_period(book=book, until=MONTH_END, actor=SYSTEM, at=LATER)
    close_period(book=book, until=NOW, actor=SYSTEM, at=LATER)
    assert book.closed_until == MONTH_END
    with pytest.raises(Invalid):
        close_period(book=book, until=LATER, actor=SYSTEM, at=NOW)
    close_book(book=book, actor=SYSTEM, at=LATER)
    with pytest.raises(BookClosed):
        post("b", purse, other, 1, LATER)


@pytest.mark.django_db(transaction=True)
def test_a_close_waits_for_who_is_writing(book, purse, other):
    """Nobody who began in time is left behind, and nobody slips in after it."""
    written, closed = threading.Event(), threading.Event()

    def close():
        written.wait()
        close_period(book=book, until=MONTH_END, actor=SYSTEM, at=LATER)
        closed.set()
        connection.close()

    closer = threading.Thread(target=close)
    closer.start()
    with transaction.atomic():
        post("a", purse, other, 400, NOW)
        written.set()
        assert not closed.wait(0.3)
    closer.join()
    assert balance_fen(other, effective_by=MONTH_END) == 400
    with pytest.raises(PeriodClosed):
        post("b", purse, other, 1, NOW)


def test_corrections_unwind_in_the_opposite_order_whatever_order_is_asked(book, purse, other):
    third = make_account(book, "third")
    one = post("one", purse, other, 400, NOW)
    two = post("two", other, third, 400, NOW)
    with pytest.raises(InsufficientFunds):
        reverse_transfer(transfer=one, reference="alone", effective_at=NOW, actor=SYSTEM)
    first, second = unwind_transfers(
        transfers=[one, two], reference="undo", effective_at=NOW, actor=SYSTEM
    )
    assert (first.reverses, second.reverses) == (two, one)
    assert (balance_fen(purse), balance_fen(other), balance_fen(third)) == (1000, 0, 0)
    again = unwind_transfers(transfers=[two, one], reference="undo", effective_at=NOW, actor=SYSTEM)
    assert again == [first, second]


def test_an_unwinding_that_cannot_be_whole_leaves_nothing(book, purse, other):
    third = make_account(book, "third")
    one, two = post("one", purse, other, 400, NOW), post("two", purse, third, 100, NOW)
    reverse_transfer(transfer=one, reference="before", effective_at=NOW, actor=SYSTEM)
    with pytest.raises(AlreadyReversed):
        unwind_transfers(transfers=[one, two], reference="undo", effective_at=NOW, actor=SYSTEM)
    assert balance_fen(third) == 100
