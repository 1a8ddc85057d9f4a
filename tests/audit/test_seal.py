"""Events are sealed after their commit: gapless, complete, and in an order nobody can dispute."""

import os
import random
import signal
import threading
import time
from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, connections, transaction

from audit.actions.record import record
from audit.chain import verify_chain
from audit.decisions import SYSTEM
from audit.models import AuditEvent, AuditLink, SealingCursor, UnseenRange
from audit.outbox import sweep
from audit.queries import events_visible_to
from audit.rights import DEFAULT_ROLE, grant_application_role
from audit.seal import SealState, seal_events, seal_some, unsealed_events
from tests.audit.conftest import tamper
from tests.factories import NOW
from tests.journeys.conftest import wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


def happen_here(number="x"):
    return record("thing.happened", subject=("test.thing", str(number)), actor=SYSTEM, at=NOW)


def order_of_links():
    return list(AuditLink.objects.order_by("sequence").values_list("event_id", flat=True))


class Elsewhere:
    """A transaction on a connection of its own, that ends when it is told to."""

    def __init__(self):
        self.connection = connection.copy()
        self.connection.set_autocommit(False)

    def record(self):
        with self.connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO audit_auditevent (kind, subject_type, subject_id, actor_label,"
                " occurred_at, data, body) VALUES"
                " ('thing.happened', 'test.thing', 'x', 'system', %s, '{}', %s) RETURNING id",
                [NOW, BODY],
            )
            return cursor.fetchone()[0]

    def commit(self):
        self.connection.commit()

    def roll_back(self):
        self.connection.rollback()

    def close(self):
        self.connection.close()


BODY = (
    '{"actor_label":"system","data":{},"kind":"thing.happened",'
    '"occurred_at":"2026-03-02T02:00:00+00:00","organization_id":null,"person_id":null,'
    '"subject_id":"x","subject_type":"test.thing"}'
)


@pytest.fixture
def elsewhere():
    other = Elsewhere()
    yield other
    other.close()


def test_a_commit_waits_for_no_other_commit_that_records(elsewhere):
    elsewhere.record()
    with transaction.atomic():
        happen_here()
    elsewhere.commit()
    assert AuditEvent.objects.count() == 2


def test_an_event_that_commits_after_one_with_a_higher_number_is_sealed_after_it(elsewhere):
    first = elsewhere.record()
    with transaction.atomic():
        second = happen_here().pk
    assert second > first
    for _ in range(3):
        seal_events()
    assert order_of_links() == [second]
    elsewhere.commit()
    seal_events()
    assert order_of_links() == [second, first]
    assert verify_chain().faults == ()


def test_a_transaction_of_many_sealings_is_waited_for(elsewhere):
    """However often and in whatever pieces is sealed meanwhile, its events are not forgotten."""
    late = [elsewhere.record() for _ in range(3)]
    early = []
    for number in range(4):
        with transaction.atomic():
            early.append(happen_here(number).pk)
        seal_events(max_rows=1)
    late.append(elsewhere.record())
    elsewhere.commit()
    while seal_some(1):
        pass
    assert order_of_links() == [*early, *late]
    assert verify_chain().faults == ()


def seal_until_nothing_is_unseen() -> None:
    """Any older transaction of the server holds a range up, that of another test too."""

    def sealed() -> bool:
        seal_events()
        return not UnseenRange.objects.exists()

    wait_until("every range to be settled", sealed)


def test_numbers_that_were_rolled_back_are_forgotten(elsewhere):
    with transaction.atomic():
        happen_here()
    elsewhere.record()
    elsewhere.roll_back()
    with transaction.atomic():
        happen_here()
    seal_events()
    assert UnseenRange.objects.count() >= 1
    seal_until_nothing_is_unseen()
    assert verify_chain().events == 2


def test_nothing_is_forgotten_while_an_older_transaction_goes_on(elsewhere):
    elsewhere.record()
    for _ in range(3):
        with transaction.atomic():
            happen_here()
        seal_events()
    assert UnseenRange.objects.filter(ends_before__isnull=False).exists()
    elsewhere.commit()
    seal_until_nothing_is_unseen()
    assert verify_chain().events == 4


def test_a_sealing_within_a_transaction_that_wrote_before_settles_nothing(elsewhere):
    """Its number may be older than that of a transaction that still may commit."""
    with transaction.atomic():
        happen_here()
        elsewhere.record()
        with transaction.atomic():
            happen_here()
        for _ in range(3):
            seal_events()
    assert set(UnseenRange.objects.values_list("ends_before", flat=True)) == {None}
    elsewhere.commit()
    seal_events()
    assert verify_chain().events == 3


def test_what_is_recorded_and_not_sealed_yet_is_no_fault():
    with transaction.atomic():
        event = happen_here()
    report = verify_chain()
    assert (report.events, report.waiting, report.faults) == (0, 1, ())
    assert events_visible_to(SYSTEM).get(pk=event.pk).seal_state == SealState.WAITING
    seal_events()
    assert events_visible_to(SYSTEM).get(pk=event.pk).seal_state == SealState.SEALED
    assert (verify_chain().events, verify_chain().waiting) == (1, 0)


def test_what_is_not_sealed_for_long_is_a_fault():
    with transaction.atomic():
        event = happen_here()
    tamper("UPDATE audit_auditevent SET recorded_at = recorded_at - interval '1 hour'")
    (fault,) = verify_chain().faults
    assert fault.sequence == event.pk
    assert fault.what.startswith("event is still not sealed after 36")


def test_what_no_sealer_comes_to_is_a_fault_at_once(happen):
    ids = happen(3)
    tamper("DELETE FROM audit_auditlink WHERE sequence = 3")
    assert [(each.event_id, each.waiting) for each in unsealed_events()] == [(ids[2], False)]
    assert [fault.what for fault in verify_chain().faults] == ["event stands outside the chain"]
    assert events_visible_to(SYSTEM).get(pk=ids[2]).seal_state == SealState.OUTSIDE


def test_a_lost_cursor_is_found_again(happen):
    happen(5)
    tamper("DELETE FROM audit_sealingcursor")
    while seal_some(2) == 2:
        pass
    assert SealingCursor.objects.get().last_event_id == AuditEvent.objects.latest("pk").pk
    happen(1)
    assert (verify_chain().events, verify_chain().faults) == (6, ())


def test_a_sweep_seals_what_it_tells_of():
    with transaction.atomic():
        happen_here()
    assert len(sweep({"thing.happened": ["note_it"]}, at=NOW + timedelta(days=1))) == 1


@pytest.mark.parametrize("rows", [0, -1, None])
def test_a_sealing_of_nothing_is_refused(rows):
    with pytest.raises(DatabaseError):
        seal_some(rows)


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO audit_auditlink (sequence, event_id, previous_hash, hash)"
        " SELECT 1, id, '', '' FROM audit_auditevent",
        "UPDATE audit_sealingcursor SET last_event_id = 0",
        "DELETE FROM audit_sealingcursor",
        "INSERT INTO audit_unseenrange (first_id, last_id) VALUES (1, 2)",
        "DELETE FROM audit_unseenrange",
        "LOCK TABLE audit_sealingcursor IN SHARE ROW EXCLUSIVE MODE",
    ],
)
def test_the_application_seals_only_through_the_sealer(statement):
    grant_application_role()
    with transaction.atomic():
        happen_here()
    with connection.cursor() as cursor:
        cursor.execute(f"SET SESSION AUTHORIZATION {DEFAULT_ROLE}")
    try:
        with (
            pytest.raises(DatabaseError, match="permission denied"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)
        assert seal_events() == 1
    finally:
        with connection.cursor() as cursor:
            cursor.execute("RESET SESSION AUTHORIZATION")
    assert verify_chain().events == 1


def in_threads(*jobs):
    """Run all at once, each with a connection of its own; the first failure is raised."""
    failures = []

    def alone(job):
        try:
            job()
        except BaseException as failure:
            failures.append(failure)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=alone, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


@pytest.mark.slow
def test_thirty_two_writers_and_two_sealers_leave_one_gapless_chain_of_everything():
    writing, committed, lock = threading.Event(), [], threading.Lock()
    left = [32]
    writing.set()

    def write(seed):
        dice = random.Random(seed)
        try:
            for number in range(12):
                try:
                    with transaction.atomic():
                        ids = [
                            happen_here(f"{seed}.{number}").pk for _ in range(dice.randint(1, 4))
                        ]
                        time.sleep(dice.random() / 100)
                        if dice.random() < 0.2:
                            raise ZeroDivisionError
                except ZeroDivisionError:
                    continue
                with lock:
                    committed.extend(ids)
        finally:
            with lock:
                left[0] -= 1
                if not left[0]:
                    writing.clear()

    def seal(max_rows):
        while writing.is_set():
            seal_some(max_rows)

    writers = [lambda seed=seed: write(seed) for seed in range(32)]
    in_threads(*writers, lambda: seal(7), lambda: seal(500))
    seal_events()
    links = order_of_links()
    assert sorted(links) == sorted(committed)
    assert [link.sequence for link in AuditLink.objects.order_by("sequence")] == list(
        range(1, len(committed) + 1)
    )
    assert verify_chain().faults == ()


def test_one_writers_events_keep_their_order_in_the_chain():
    """What was committed before something else began stands before it."""
    written = []

    def write():
        for number in range(40):
            with transaction.atomic():
                written.append(happen_here(number).pk)

    def seal():
        while len(written) < 40:
            seal_some(3)

    in_threads(write, seal, seal)
    seal_events(3)
    assert order_of_links() == written


def test_a_sealer_killed_half_way_leaves_nothing_half_done(happen):
    happen(3)
    with transaction.atomic():
        late = [happen_here(number).pk for number in range(5)]
    child = os.fork()
    if child == 0:  # seals, and dies before it can commit
        connections["default"].connection = None
        with transaction.atomic():
            seal_some()
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    assert (verify_chain().events, verify_chain().waiting) == (3, 5)
    assert seal_events() == 5
    assert order_of_links()[3:] == late
    assert verify_chain().faults == ()
