"""The bell is rung seldom, and a deaf broker never reaches a request."""

import pytest

from marketplace import doorbell, tasks


@pytest.fixture
def clock(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(doorbell.time, "monotonic", lambda: now[0])
    return now


@pytest.fixture
def rings(monkeypatch):
    heard: list[dict] = []
    monkeypatch.setattr(tasks.sweep_outbox, "apply_async", lambda **options: heard.append(options))
    return heard


def test_rings_once_for_commits_in_a_row(clock, rings):
    ringer = doorbell.Ringer()
    for _commit in range(5):
        ringer.ring()
    assert len(rings) == 1
    clock[0] += doorbell.QUIET_SECONDS
    ringer.ring()
    assert len(rings) == 2


def test_a_broker_that_is_down_is_left_alone_for_a_while(clock, monkeypatch):
    calls = []

    def refuse(**_options):
        calls.append(1)
        raise ConnectionError("nobody there")

    monkeypatch.setattr(tasks.sweep_outbox, "apply_async", refuse)
    ringer = doorbell.Ringer()
    ringer.ring()
    clock[0] += doorbell.LEFT_ALONE_SECONDS - 0.1
    ringer.ring()
    assert len(calls) == 1
    clock[0] += 0.1
    ringer.ring()
    assert len(calls) == 2
