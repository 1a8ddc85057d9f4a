"""Many threads claim at once: places without gaps, nobody passes the queue, the last fen once."""

import random
from functools import partial

import pytest
from django.db import connection

from audit.decisions import Refusal
from tests.vouchers.test_races import at_once, violations
from tests.vouchers.windows import (
    FACE_FEN,
    answer_of,
    asked,
    claim,
    make_rush,
    make_window,
    remaining_fen,
)
from vouchers.actions.answer_claims import answer_claims
from vouchers.actions.give_back_grant import give_back_grant
from vouchers.actions.make_out_vouchers import make_out_vouchers
from vouchers.actions.open_window import open_window
from vouchers.models import Voucher
from vouchers.queries import claim_clock

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
THREADS = 16


def test_racing_batches_with_repetitions_end_exactly_at_zero_and_in_order():
    rush = make_rush(40, tranche_fen=17 * FACE_FEN - 3)
    shuffle = random.Random(7)
    deeds = []
    for _ in range(THREADS):
        claims = [asked(each) for each in shuffle.choices(rush.applicants, k=12)]
        deeds.append(partial(answer_claims, window_id=rush.window.pk, claims=claims))
    deeds.append(
        partial(
            answer_claims,
            window_id=rush.window.pk,
            claims=[asked(each) for each in rush.applicants],
        )
    )
    answers = [each for batch in at_once(*deeds) for each in batch]
    assert not [each for each in answers if isinstance(each, Refusal | Exception)]
    rows = list(rush.window.answers.order_by("place").values_list("place", "granted_fen"))
    assert [place for place, _fen in rows] == list(range(1, 41))
    assert [fen for _place, fen in rows] == [FACE_FEN] * 16 + [FACE_FEN - 3] + [None] * 23
    assert remaining_fen(rush.window) == 0
    assert len({(each.id, each.place, each.granted_fen) for each in answers}) == 40
    assert violations() == []


def test_without_the_windows_lock_the_same_race_breaks_the_order():
    """The mutation that shows the test above is able to fail."""
    rush = make_rush(24, tranche_fen=8 * FACE_FEN)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_functiondef('vouchers_claim_batch'::regproc)")
        (definition,) = cursor.fetchone()
        loosened = definition.replace(
            "WHERE id = p_window FOR NO KEY UPDATE", "WHERE id = p_window; PERFORM pg_sleep(0.05)"
        )
        assert loosened != definition
        cursor.execute(loosened)
    try:
        deeds = [partial(claim, rush.window, each) for each in rush.applicants]
        answers = at_once(*deeds)
    finally:
        with connection.cursor() as cursor:
            cursor.execute(definition)
    assert [each for each in answers if isinstance(each, Exception)], "places were taken twice"


def test_two_who_open_one_window_set_its_money_aside_once():
    office, window = make_window(opened=False)
    at = claim_clock()
    answers = at_once(
        partial(open_window, window=window, actor=office.approver_1, at=at),
        partial(open_window, window=window, actor=office.approver_2, at=at),
    )
    assert sorted(type(each).__name__ for each in answers) == ["ClaimWindow", "StaleState"]
    assert remaining_fen(window) == 3 * FACE_FEN
    assert violations() == []


def test_vouchers_made_out_by_many_at_once_are_made_out_once():
    rush = make_rush(20, tranche_fen=20 * FACE_FEN)
    claim(rush.window, *rush.applicants)
    counts = at_once(*[partial(make_out_vouchers, window_id=rush.window.pk)] * 6)
    assert sum(counts) == Voucher.objects.count() == 20
    assert violations() == []


def test_giving_back_claiming_and_making_out_at_once_keep_the_queue_and_the_money():
    rush = make_rush(30, tranche_fen=10 * FACE_FEN)
    claim(rush.window, *rush.applicants[:15])
    at = claim_clock()
    deeds = [
        partial(give_back_grant, answer=answer_of(rush.window, each), actor=each, at=at)
        for each in rush.applicants[:5]
    ]
    deeds += [partial(claim, rush.window, each) for each in rush.applicants[15:]]
    deeds += [partial(make_out_vouchers, window_id=rush.window.pk)] * 3
    assert not [each for each in at_once(*deeds) if isinstance(each, Exception)]
    make_out_vouchers(window_id=rush.window.pk)
    assert rush.window.answers.filter(state="issued").count() == 10
    assert list(
        rush.window.answers.filter(state="issued").order_by("place").values_list("place", flat=True)
    ) == list(range(6, 16))
    assert remaining_fen(rush.window) == 0
    assert violations() == []
