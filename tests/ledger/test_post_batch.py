"""One function writes the ledger: a batch equals the same transfers one by one, to the fen."""

import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from audit.decisions import SYSTEM
from audit.proofs import prove
from ledger.actions.open_account import open_account
from ledger.actions.post_batch import Asked, Move, Resolve, SetAside, post_batch
from ledger.models import Account, Hold, Posting
from ledger.proofs import PROOFS
from tests.factories import NOW, make_account, make_book

pytestmark = pytest.mark.django_db


def ask(reference, source, destination, amount_fen, **more):
    return Asked(reference, "test", [Move(source, destination, amount_fen)], NOW, SYSTEM, **more)


def outcomes(answers):
    return [answer.outcome for answer in answers]


@pytest.fixture
def book():
    return make_book()


@pytest.fixture
def budget(book):
    return make_account(book, "env:1:available", holding_fen=100)


@pytest.fixture
def spent(book):
    return open_account(book=book, code="spent", floor_fen=None)


def left(account):
    return Account.objects.get(pk=account.pk).balance_fen


def test_a_batch_is_one_round_trip(budget, spent, django_assert_num_queries):
    with django_assert_num_queries(1):
        answers = post_batch([ask(f"r{n}", budget, spent, 10) for n in range(10)])
    assert outcomes(answers) == ["posted"] * 10
    assert left(budget) == 0


def test_the_last_fen_is_given_once_and_small_requests_still_fit(budget, spent):
    answers = post_batch(
        [ask(f"r{n}", budget, spent, fen) for n, fen in enumerate([60, 50, 40, 1])]
    )
    assert outcomes(answers) == ["posted", "insufficient", "posted", "insufficient"]
    assert answers[1].detail == "env:1:available"
    assert left(budget) == 0
    assert Posting.objects.filter(destination=spent).count() == 2


def test_equal_keys_in_one_batch_are_written_once(budget, spent):
    answers = post_batch(
        [ask("a", budget, spent, 10), ask("a", budget, spent, 10), ask("a", budget, spent, 11)]
    )
    assert outcomes(answers) == ["posted", "replayed", "conflict"]
    assert len({answer.transfer_id for answer in answers}) == 1
    assert left(budget) == 90


def test_a_replay_is_answered_even_when_nothing_is_left(budget, spent):
    (first,) = post_batch([ask("a", budget, spent, 100)])
    answers = post_batch([ask("b", budget, spent, 1), ask("a", budget, spent, 100)])
    assert outcomes(answers) == ["insufficient", "replayed"]
    assert answers[1].transfer_id == first.transfer_id
    assert outcomes(post_batch([ask("a", budget, spent, 99)])) == ["conflict"]


def test_the_same_refused_question_twice_has_the_same_answer(budget, spent):
    answers = post_batch([ask("a", budget, spent, 101), ask("a", budget, spent, 101)])
    assert outcomes(answers) == ["insufficient", "insufficient"]


def test_a_bad_row_fails_no_neighbor(budget, spent):
    elsewhere = make_account(make_book(), "elsewhere")
    stray = ask("stray", budget, spent, 1)
    object.__setattr__(stray, "moves", [Move(budget, elsewhere, 1)])  # past our own checks
    answers = post_batch([ask("a", budget, spent, 10), stray, ask("b", budget, spent, 10)])
    assert outcomes(answers) == ["posted", "invalid", "posted"]
    assert left(budget) == 80


def test_what_comes_in_later_does_not_pay_what_went_out_earlier(book, budget, spent):
    empty = make_account(book, "vch:1:available")
    answers = post_batch([ask("out", empty, spent, 5), ask("in", budget, empty, 5)])
    assert outcomes(answers) == ["insufficient", "posted"]
    answers = post_batch([ask("in2", budget, empty, 5), ask("out2", empty, spent, 10)])
    assert outcomes(answers) == ["posted", "posted"]


def test_holds_are_placed_and_resolved_in_batches(book, budget, spent):
    held_in = make_account(book, "vch:1:reserved")
    deadline = NOW + timedelta(hours=1)
    answers = post_batch(
        [ask(f"h{n}", budget, held_in, 40, set_aside=SetAside(f"h{n}", deadline)) for n in range(3)]
    )
    assert outcomes(answers) == ["posted", "posted", "insufficient"]
    one, two = Hold.objects.order_by("pk")
    answers = post_batch(
        [
            ask("p1", held_in, spent, 40, resolve=Resolve(one, "posted", 40, NOW)),
            ask("v1", held_in, budget, 40, resolve=Resolve(one, "voided", 0, NOW)),
            ask("p2", held_in, spent, 40, resolve=Resolve(two, "posted", 40, deadline)),
        ]
    )
    assert outcomes(answers) == ["posted", "hold_resolved", "hold_expired"]
    assert [each for each in prove("ledger", PROOFS) if not each.holds] == []


@pytest.mark.django_db(transaction=True)
def test_many_at_once_on_one_budget_end_exactly_at_zero(book, budget, spent):
    """Overlapping batches, the same keys from two callers, and less money than is asked for."""
    given_fen = []
    barrier = threading.Barrier(8)

    def claim(lane):
        barrier.wait()
        try:
            for turn in range(5):
                keys = [f"{lane // 2}-{turn}-{n}" for n in range(6)]
                batch = [ask(key, budget, spent, 1 + len(key) % 3) for key in keys]
                given_fen.extend(
                    ask_.moves[0].amount_fen
                    for ask_, answer in zip(batch, post_batch(batch), strict=True)
                    if answer.outcome == "posted"
                )
        finally:
            connection.close()

    threads = [threading.Thread(target=claim, args=[lane]) for lane in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(given_fen) == 100 - left(budget)
    assert left(budget) <= 2  # less than the largest request
    assert [each for each in prove("ledger", PROOFS) if not each.holds] == []


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    wishes=some.lists(
        some.tuples(
            some.integers(0, 2), some.integers(0, 2), some.integers(1, 60), some.integers(0, 9)
        ),
        min_size=1,
        max_size=12,
    )
)
def test_a_batch_equals_the_same_transfers_one_by_one(wishes):
    """Whatever is asked: same answers, same balances (Mojaloop's batches over-credit)."""
    results = []
    for together in (True, False):
        with transaction.atomic():
            book = make_book()
            purses = [make_account(book, f"p{n}", holding_fen=50) for n in range(2)]
            purses.append(open_account(book=book, code="open", floor_fen=None))
            batch = [
                ask(f"{book.pk}-{key}", purses[one], purses[(one + 1 + other % 2) % 3], fen)
                for one, other, fen, key in wishes
            ]
            answers = post_batch(batch) if together else list(_one_by_one(batch))
            results.append((outcomes(answers), [left(purse) for purse in purses]))
            transaction.set_rollback(True)
    (batch_says, batch_left), (single_says, single_left) = results
    assert batch_says == single_says
    assert batch_left == single_left
    assert min(batch_left[:2]) >= 0


def _one_by_one(batch):
    """Each in a batch of its own. One that was refused may be asked again later with another
    answer; within a batch it may not, so here it is asked once: the same question gets the answer
    it had, another question under its name is a conflict."""
    refused = {}
    for each in batch:
        first = refused.get(each.reference)
        if first is None:
            (answer,) = post_batch([each])
            if answer.outcome not in ("posted", "replayed", "conflict"):
                refused[each.reference] = (each, answer)
            yield answer
        else:
            yield first[1] if first[0] == each else replace(first[1], outcome="conflict")
