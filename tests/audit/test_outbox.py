"""News is acted on exactly once, whatever is lost on the way."""

from datetime import timedelta

import pytest

from audit.models import Delivery, OutboxCursor
from audit.outbox import MAX_ATTEMPTS, run, sweep
from tests.factories import NOW, make_organization

pytestmark = pytest.mark.django_db(transaction=True)
REACTIONS = {"thing.happened": ["note_it"]}


def test_each_event_is_delivered_once_however_often_it_is_swept(happen):
    happen(3)
    seen: list[int] = []
    for _ in range(2):
        for due, _name in sweep(REACTIONS, at=NOW):
            run(due, {"note_it": lambda event: seen.append(event.pk)}, at=NOW)
    assert len(seen) == len(set(seen)) == 3
    assert sweep(REACTIONS, at=NOW + timedelta(days=1)) == []


def test_events_nobody_reacts_to_are_passed_by(happen):
    happen(2)
    assert sweep({}, at=NOW) == []
    assert OutboxCursor.objects.get().sequence == 2


def test_a_delivery_run_twice_acts_once(happen):
    happen(1)
    seen: list[int] = []
    ((due, _name),) = sweep(REACTIONS, at=NOW)
    handlers = {"note_it": lambda event: seen.append(event.pk)}
    assert run(due, handlers, at=NOW)
    assert not run(due, handlers, at=NOW)
    assert len(seen) == 1


def test_a_reaction_that_fails_leaves_nothing_and_is_tried_again_later(happen):
    happen(1)
    ((due, _name),) = sweep(REACTIONS, at=NOW)

    def half_done(event):
        make_organization()
        raise ValueError("the other half")

    assert not run(due, {"note_it": half_done}, at=NOW)
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.attempts) == ("pending", 1)
    assert "the other half" in delivery.last_error
    assert make_organization().__class__.objects.count() == 1
    assert sweep(REACTIONS, at=NOW) == []
    assert sweep(REACTIONS, at=delivery.due_at) == [(due, "note_it")]


def test_a_poisonous_delivery_is_parked_and_stays_visible(happen):
    happen(1)
    ((due, _name),) = sweep(REACTIONS, at=NOW)

    def poison(event):
        raise ValueError("never")

    for _ in range(MAX_ATTEMPTS):
        run(due, {"note_it": poison}, at=NOW)
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.attempts) == ("parked", MAX_ATTEMPTS)
    assert sweep(REACTIONS, at=NOW + timedelta(days=9)) == []
