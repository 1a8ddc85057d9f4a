"""Public money from appropriation to payable: every invariant after every step.

The CI profile walks some two thousand steps; HYPOTHESIS_PROFILE=nightly walks a million. Each bug
of the mutation list is planted in turn, and the same machine must find it.
"""

import os

import pytest
from django.db import connection
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.journeys.money_attacks import ATTACKS, MUTATIONS
from tests.journeys.money_life import MoneyLife, World

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
NIGHTLY = os.environ.get("HYPOTHESIS_PROFILE") == "nightly"
EXAMPLES, STEPS = (20_000, 50) if NIGHTLY else (50, 40)


@pytest.fixture(autouse=True)
def _world(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MoneyLife, "world", World(), raising=False)


def walk(examples: int, *, phases: tuple[Phase, ...]) -> None:
    run_state_machine_as_test(
        MoneyLife,
        settings=settings(
            max_examples=examples,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            report_multiple_bugs=False,
            phases=phases,
            derandomize=not NIGHTLY,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_every_invariant_holds_after_every_step():
    walk(EXAMPLES, phases=(Phase.generate, Phase.shrink))


@pytest.mark.parametrize("guard", sorted(MUTATIONS))
def test_the_machine_finds_the_bug_that_a_missing_guard_plants(guard, monkeypatch):
    removal, attack = MUTATIONS[guard]
    monkeypatch.setattr(MoneyLife, "tries", [attack] if attack else sorted(ATTACKS))
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(removal)
    with pytest.raises((AssertionError, BaseExceptionGroup)):
        walk(500, phases=(Phase.generate,))
