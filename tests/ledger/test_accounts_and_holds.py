"""Whatever is done to accounts and holds in whatever order, the books stay true after every step.

The CI profile walks a few hundred steps; HYPOTHESIS_PROFILE=nightly walks a hundred thousand.
"""

import os
from datetime import timedelta

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as some
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from audit.decisions import SYSTEM
from audit.proofs import prove
from ledger.actions.open_account import open_account
from ledger.actions.place_hold import place_hold
from ledger.actions.post_transfer import Move, post_transfer
from ledger.actions.resolve_hold import expire_hold, post_hold, void_hold
from ledger.actions.reverse_transfer import reverse_transfer
from ledger.models import Account, Hold, Transfer
from ledger.proofs import PROOFS
from ledger.refusals import HoldExpired, HoldResolved, InsufficientFunds, InvalidPosting
from tests.factories import NOW, make_book

pytestmark = [pytest.mark.django_db]
PROFILES = {"ci": (15, 20), "nightly": (2000, 50)}  # examples, steps in each
EXAMPLES, STEPS = PROFILES[os.environ.get("HYPOTHESIS_PROFILE", "ci")]
PURSES = ("env:1:available", "vch:1:available", "vch:2:available", "rdm:1:earned")
purse = some.sampled_from(PURSES)
amount = some.integers(min_value=1, max_value=1200)


class Books(RuleBasedStateMachine):
    """A model of balances in plain Python, checked against the database after every step."""

    def __init__(self) -> None:
        super().__init__()
        self.book = make_book()
        self.fund = open_account(book=self.book, code="fund:1", floor_fen=None)
        codes = (*PURSES, "vch:1:reserved", "lapse:1")
        self.accounts = {code: open_account(book=self.book, code=code) for code in codes}
        self.expected = dict.fromkeys(codes, 0)
        self.holds: list[tuple[Hold, str]] = []
        self.ended: list[Hold] = []
        self.reversible: list[tuple[Transfer, str, str, int]] = []
        self.now = NOW
        self.steps = 0

    def reference(self, verb: str) -> str:
        self.steps += 1
        return f"{self.book.pk}:{verb}:{self.steps}"

    def move(self, source: str, destination: str, fen: int) -> None:
        if source in self.expected:
            self.expected[source] -= fen
        self.expected[destination] += fen

    def hold_of(self, number: int) -> tuple[Hold, str]:
        return self.holds[number % len(self.holds)]

    @rule(to=purse, fen=amount)
    def appropriate(self, to: str, fen: int) -> None:
        post_transfer(
            reference=self.reference("fund"),
            kind="appropriate",
            moves=[Move(self.fund, self.accounts[to], fen)],
            effective_at=self.now,
            actor=SYSTEM,
        )
        self.move("fund", to, fen)

    @rule(source=purse, to=purse, fen=amount, again=some.booleans())
    def transfer(self, source: str, to: str, fen: int, again: bool) -> None:
        request = {
            "reference": self.reference("move"),
            "kind": "move",
            "moves": [Move(self.accounts[source], self.accounts[to], fen)],
            "effective_at": self.now,
            "actor": SYSTEM,
        }
        if source == to:
            with pytest.raises(InvalidPosting):
                post_transfer(**request)
        elif self.expected[source] < fen:
            with pytest.raises(InsufficientFunds):
                post_transfer(**request)
        else:
            transfer = post_transfer(**request)
            self.move(source, to, fen)
            if again:
                assert post_transfer(**request) == transfer
            self.reversible.append((transfer, source, to, fen))

    @precondition(lambda self: self.reversible)
    @rule()
    def reverse(self) -> None:
        transfer, source, to, fen = self.reversible.pop()
        reference = self.reference("reverse")
        if self.expected[to] < fen:
            with pytest.raises(InsufficientFunds):
                reverse_transfer(
                    transfer=transfer, reference=reference, effective_at=self.now, actor=SYSTEM
                )
        else:
            reverse_transfer(
                transfer=transfer, reference=reference, effective_at=self.now, actor=SYSTEM
            )
            self.move(to, source, fen)

    @rule(source=purse, fen=amount, hours=some.integers(min_value=1, max_value=5))
    def hold(self, source: str, fen: int, hours: int) -> None:
        request = {
            "reference": self.reference("hold"),
            "source": self.accounts[source],
            "held_in": self.accounts["vch:1:reserved"],
            "amount_fen": fen,
            "deadline_at": self.now + timedelta(hours=hours),
            "actor": SYSTEM,
            "at": self.now,
            "policy_version": "v1",
        }
        if self.expected[source] < fen:
            with pytest.raises(InsufficientFunds):
                place_hold(**request)
        else:
            self.holds.append((place_hold(**request), source))
            self.move(source, "vch:1:reserved", fen)

    @precondition(lambda self: self.holds)
    @rule(number=some.integers(0, 99), share=some.integers(1, 110), lapse=some.booleans())
    def post(self, number: int, share: int, lapse: bool) -> None:
        hold, source = self.hold_of(number)
        fen = max(1, hold.amount_fen * share // 100)
        rest_to = "lapse:1" if lapse else source
        request = {
            "hold": hold,
            "amount_fen": fen,
            "destination": self.accounts["rdm:1:earned"],
            "remainder_to": self.accounts[rest_to],
            "actor": SYSTEM,
            "at": self.now,
        }
        if fen > hold.amount_fen:
            with pytest.raises(InvalidPosting):
                post_hold(**request)
        elif self.now >= hold.deadline_at:
            with pytest.raises(HoldExpired):
                post_hold(**request)
        else:
            post_hold(**request)
            self.move("vch:1:reserved", "rdm:1:earned", fen)
            if fen < hold.amount_fen:
                self.move("vch:1:reserved", rest_to, hold.amount_fen - fen)
            self.end(hold, source)

    @precondition(lambda self: self.holds)
    @rule(number=some.integers(0, 99))
    def void(self, number: int) -> None:
        hold, source = self.hold_of(number)
        void_hold(hold=hold, actor=SYSTEM, at=self.now)
        self.move("vch:1:reserved", source, hold.amount_fen)
        self.end(hold, source)

    @precondition(lambda self: self.holds)
    @rule(number=some.integers(0, 99))
    def expire(self, number: int) -> None:
        hold, source = self.hold_of(number)
        if self.now < hold.deadline_at:
            return  # too early is the database's to refuse: tests/ledger/test_post_transfer.py
        expire_hold(hold=hold, actor=SYSTEM, at=self.now)
        self.move("vch:1:reserved", source, hold.amount_fen)
        self.end(hold, source)

    @precondition(lambda self: self.ended)
    @rule(number=some.integers(0, 99))
    def resolve_again(self, number: int) -> None:
        hold = self.ended[number % len(self.ended)]
        outcome = hold.resolution.outcome
        another = expire_hold if outcome == "voided" else void_hold
        with pytest.raises(HoldResolved):
            another(hold=hold, actor=SYSTEM, at=hold.deadline_at)

    @rule(hours=some.integers(1, 3))
    def time_passes(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    def end(self, hold: Hold, source: str) -> None:
        self.holds.remove((hold, source))
        self.ended.append(hold)

    @invariant()
    def balances_are_those_of_the_model(self) -> None:
        found = dict(
            Account.objects.filter(book=self.book, floor_fen__isnull=False).values_list(
                "code", "balance_fen"
            )
        )
        assert found == self.expected

    @invariant()
    def every_proof_of_the_ledger_holds(self) -> None:
        # Where the value is held is shared by all holds, of whichever source: I6 counts them.
        assert [each for each in prove("ledger", PROOFS) if not each.holds] == []

    @invariant()
    def deferred_checks_hold_too(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")


def run_machine(
    examples: int = EXAMPLES, steps: int = STEPS, phases: tuple[Phase, ...] = tuple(Phase)
) -> None:
    """Walk the machine; each example in a savepoint of its own, so that examples are strangers."""

    class InSavepoint(Books):
        def __init__(self) -> None:
            self.savepoint = transaction.savepoint()
            super().__init__()

        def teardown(self) -> None:
            transaction.savepoint_rollback(self.savepoint)

    run_state_machine_as_test(
        InSavepoint,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            database=None,
            phases=phases,
            print_blob=False,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_the_books_stay_true_whatever_is_done_in_whatever_order():
    run_machine()


MUTATIONS = {
    "no floor": (
        "ALTER TABLE ledger_account DROP CONSTRAINT an_account_never_falls_below_its_floor"
    ),
    "postings that move no balance": (
        "ALTER TABLE ledger_posting DISABLE TRIGGER {posting_moves_the_balances}"
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("mutation", MUTATIONS)
def test_the_same_walk_finds_the_bug_when_a_guard_is_taken_away(mutation):
    """Undone with the test's own transaction."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgname FROM pg_trigger WHERE tgname LIKE 'pgtrigger_posting_moves_the_bal%'"
        )
        (name,) = cursor.fetchone()
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(MUTATIONS[mutation].format(posting_moves_the_balances=name))
    with pytest.raises((AssertionError, pytest.fail.Exception, BaseExceptionGroup)):
        run_machine(examples=10, steps=15, phases=(Phase.generate,))
