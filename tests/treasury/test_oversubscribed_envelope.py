"""Everybody asks at once: the last fen is promised exactly once, and the guard is what does it."""

import threading
from collections.abc import Iterator

import pytest
from django.db import connection

from audit.decisions import SYSTEM
from ledger.models import Account
from tests.factories import NOW
from tests.treasury.conftest import make_city, make_envelope
from treasury.actions.commit_value import commit_value
from treasury.models import Envelope
from treasury.queries import envelope_figures
from treasury.refusals import EnvelopeExhausted

pytestmark = pytest.mark.django_db(transaction=True)
FLOOR = "an_account_never_falls_below_its_floor"
THREADS = 64
HOLDING_FEN = 1000
ASKED_FEN = 20  # 64 × 20 = 1280: fourteen go away empty-handed


def everybody_asks(envelope: Envelope) -> int:
    """64 threads ask for ASKED_FEN at once; the number who got it."""
    granted: list[bool] = []
    barrier = threading.Barrier(THREADS)

    def ask(number: int) -> None:
        barrier.wait()
        try:
            commit_value(
                envelope=envelope,
                amount_fen=ASKED_FEN,
                reference=f"ask:{number}",
                policy_version="v1",
                actor=SYSTEM,
                at=NOW,
            )
            granted.append(True)
        except EnvelopeExhausted:
            granted.append(False)
        finally:
            connection.close()

    threads = [threading.Thread(target=ask, args=[number]) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(granted) == THREADS, "a thread died of something else"
    return granted.count(True)


@pytest.fixture
def envelope() -> Envelope:
    return make_envelope(make_city(), holding_fen=HOLDING_FEN)


@pytest.fixture
def _without_the_floor(envelope: Envelope) -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = %s", [FLOOR]
        )
        (definition,) = cursor.fetchone()
        cursor.execute(f"ALTER TABLE ledger_account DROP CONSTRAINT {FLOOR}")
    yield
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("UPDATE ledger_account SET balance_fen = 0 WHERE balance_fen < 0")
        cursor.execute("SET session_replication_role = origin")
        cursor.execute(f"ALTER TABLE ledger_account ADD CONSTRAINT {FLOOR} {definition}")


def test_64_threads_on_an_oversubscribed_envelope_end_exactly_at_zero(envelope):
    assert everybody_asks(envelope) == HOLDING_FEN // ASKED_FEN
    figures = envelope_figures(envelope)
    assert (figures.available_fen, figures.committed_fen) == (0, HOLDING_FEN)


@pytest.mark.usefixtures("_without_the_floor")
def test_without_the_floor_the_same_64_threads_promise_more_than_there_is(envelope):
    """The mutation that shows the test above is able to fail."""
    assert everybody_asks(envelope) == THREADS
    available = Account.objects.get(book=envelope.book, code=envelope.account_code("available"))
    assert available.balance_fen == HOLDING_FEN - THREADS * ASKED_FEN < 0
