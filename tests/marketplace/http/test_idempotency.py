"""The same request twice is the same answer once."""

import hashlib
import threading

import pytest
from django.db import connection, transaction

from audit.models import AuditEvent
from identity.models import ApiKey
from marketplace.models import IdempotentAnswer
from tests.marketplace.http.conftest import make_caller
from treasury.models import Envelope

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_same_key_and_body_gets_the_stored_answer(officer, envelope_body):
    first = officer.post("envelopes", envelope_body(), Idempotency_Key="k1")
    again = officer.post("envelopes", envelope_body(), Idempotency_Key="k1")
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.content == again.content
    assert again["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first
    assert Envelope.objects.count() == 1
    assert AuditEvent.objects.filter(kind="envelope.created").count() == 1


def test_the_same_key_with_another_body_is_refused(officer, envelope_body):
    officer.post("envelopes", envelope_body("a"), Idempotency_Key="k1")
    other = officer.post("envelopes", envelope_body("b"), Idempotency_Key="k1")
    assert other.status_code == 422
    assert other.json()["code"] == "idempotency_key_reused"
    assert Envelope.objects.count() == 1


def test_the_same_key_at_another_address_is_refused(officer, envelope_body):
    officer.post("envelopes", envelope_body(), Idempotency_Key="k1")
    other = officer.post("funding-sources", envelope_body(), Idempotency_Key="k1")
    assert other.json()["code"] == "idempotency_key_reused"


def test_a_key_is_its_owners_own(officer, envelope_body):
    stranger = make_caller("government", "budget_officer")
    officer.post("envelopes", envelope_body(), Idempotency_Key="k1")
    theirs = stranger.post("envelopes", envelope_body("theirs"), Idempotency_Key="k1")
    assert theirs.status_code == 201
    assert "Idempotent-Replayed" not in theirs


def test_while_one_runs_a_second_is_told_so_at_once(officer, envelope_body):
    scoped = f"key-{ApiKey.objects.get(membership=officer.membership).pk}:k1"
    number = int.from_bytes(hashlib.sha256(scoped.encode()).digest()[:8], "big", signed=True)
    running, finish = threading.Event(), threading.Event()

    def hold_the_key() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [number])
            running.set()
            finish.wait(10)
        connection.close()

    other = threading.Thread(target=hold_the_key)
    other.start()
    running.wait(10)
    busy = officer.post("envelopes", envelope_body(), Idempotency_Key="k1")
    finish.set()
    other.join()
    assert (busy.status_code, busy["Retry-After"]) == (409, "1")
    assert busy.json()["code"] == "idempotency_key_in_use"
    after = officer.post("envelopes", envelope_body(), Idempotency_Key="k1")
    assert after.status_code == 201


def test_eight_at_once_make_one(officer, envelope_body):
    statuses: list[int] = []
    barrier = threading.Barrier(8)

    def ask() -> None:
        barrier.wait()
        answer = officer.post("envelopes", envelope_body(), Idempotency_Key="k1")
        statuses.append(answer.status_code)
        connection.close()

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Envelope.objects.count() == 1
    assert set(statuses) <= {201, 409}
    assert 201 in statuses


def test_a_refusal_is_an_answer_too_and_leaves_nothing_else(officer, envelope_body):
    bad = envelope_body() | {"budget_year": 1}
    first = officer.post("envelopes", bad, Idempotency_Key="k1")
    again = officer.post("envelopes", bad, Idempotency_Key="k1")
    assert (first.status_code, again.status_code) == (422, 422)
    assert again["Idempotent-Replayed"] == "true"
    assert again["Content-Type"] == "application/problem+json"
    assert Envelope.objects.count() == 0


def test_no_right_is_not_kept_since_the_right_may_be_granted_meanwhile(enterprise, envelope_body):
    assert enterprise.post("envelopes", envelope_body(), Idempotency_Key="k1").status_code == 403
    assert not IdempotentAnswer.objects.exists()


def test_reading_needs_no_key_and_keeps_none(officer):
    officer.get("envelopes", **{"Idempotency-Key": "k1"})
    assert not IdempotentAnswer.objects.exists()


def test_a_key_too_long_is_refused(officer, envelope_body):
    answer = officer.post("envelopes", envelope_body(), Idempotency_Key="k" * 201)
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_too_long")
