"""The whole life of public money as a state machine, beside an honest model of it.

Appropriation → voucher → hold → redemption → refund, release, expiry, lapse → payable, with a
clock that only moves on, against real PostgreSQL. After every step the database holds exactly
what the model says, and every fen of every voucher is somewhere. `attack` tries, through plain
SQL as the tables' owner, what the guards must refuse: one that gets through is a bug found.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.db import DatabaseError, connection, transaction
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from audit.decisions import SYSTEM, Refusal
from audit.proofs import prove
from ledger.proofs import PROOFS as LEDGER
from tests.factories import NOW, make_organization
from tests.journeys.money_attacks import ATTACKS, Target
from tests.vouchers.office import FIFTH, make_office, make_programme, make_voucher, reserve
from tests.vouchers.rules.sheets import WAN
from treasury.actions.approve_adjustment import approve_adjustment
from treasury.actions.approve_payable import approve_payable
from treasury.actions.propose_adjustment import propose_adjustment
from treasury.models import FundingSource
from treasury.proofs import PROOFS as TREASURY
from vouchers.actions.commit_redemption import (
    commit_redemption,
    expire_redemption,
    release_redemption,
)
from vouchers.actions.lapse_due_vouchers import lapse_voucher
from vouchers.actions.propose_redemption_payable import propose_redemption_payable
from vouchers.actions.return_redeemed import return_redeemed
from vouchers.models import Redemption, Voucher
from vouchers.proofs import PROOFS as VOUCHERS

FEN = st.integers(1, 3 * WAN)
HOURS = st.integers(1, 24 * 40)
PICK = st.integers(0, 10**6)


@dataclass
class Held:
    """What the model knows of one redemption."""

    pk: int
    of: "Owned"
    reserved: int
    deadline: Any
    committed: int = 0
    returned: int = 0
    state: str = "reserved"


@dataclass
class Owned:
    """What the model knows of one voucher, in fen."""

    pk: int
    holder: Any
    face: int
    valid_until: Any
    available: int
    lapsed: int = 0
    expired: bool = False
    holds: list[Held] = field(default_factory=list)

    @property
    def reserved(self) -> int:
        return sum(each.reserved for each in self.holds if each.state == "reserved")

    @property
    def redeemed(self) -> int:
        return sum(each.committed - each.returned for each in self.holds)


class World:
    """What every example starts from: an office, a programme with 3 WAN left, two vouchers."""

    def __init__(self) -> None:
        self.office = make_office()
        self.programme = make_programme(self.office, FIFTH, holding_fen=5 * WAN)
        self.provider = make_organization("provider")
        self.vouchers = [make_voucher(self.office, programme=self.programme) for _ in range(2)]


class MoneyLife(RuleBasedStateMachine):
    """Each example runs in a transaction of its own, which is taken back at its end."""

    world: World
    tries = sorted(ATTACKS)

    def __init__(self) -> None:
        super().__init__()
        self.undo = transaction.atomic()
        self.undo.__enter__()
        self.at = NOW
        self.references = 0
        self.office, self.programme = self.world.office, self.world.programme
        self.envelope, self.provider = self.programme.envelope, self.world.provider
        self.unspent = 3 * WAN
        self.vouchers = [
            Owned(voucher.pk, holder, voucher.face_fen, voucher.valid_until, voucher.face_fen)
            for voucher, holder in self.world.vouchers
        ]

    def teardown(self) -> None:
        try:
            broken = [
                (each.name, each.examples)
                for room, proofs in (
                    ("ledger", LEDGER),
                    ("vouchers", VOUCHERS),
                    ("treasury", TREASURY),
                )
                for each in prove(room, proofs)
                if not each.holds
            ]
            assert broken == []
        finally:
            transaction.set_rollback(True)
            self.undo.__exit__(None, None, None)

    # --- money comes and is given

    @rule(kind=st.sampled_from(["add", "cut"]), amount=FEN)
    def adjust(self, kind: str, amount: int) -> None:
        """A budget is cut down to what is promised, never below."""
        done = self._refusable(
            lambda: self._adjusted(kind, amount), kind == "add" or amount <= self.unspent
        )
        if done is not None:
            self.unspent += amount if kind == "add" else -amount

    @precondition(lambda self: len(self.vouchers) < 4)
    @rule(face=st.integers(1, 1 * WAN))
    def issue(self, face: int) -> None:
        fits = face <= self.unspent
        made = self._refusable(
            lambda: make_voucher(self.office, programme=self.programme, face_fen=face), fits
        )
        if made is not None:
            voucher, holder = made
            self.vouchers.append(Owned(voucher.pk, holder, face, voucher.valid_until, face))
            self.unspent -= face

    # --- it is held, spent and given back

    @rule(which=PICK, amount=FEN, hours=st.integers(1, 24 * 60))
    def reserve(self, which: int, amount: int, hours: int) -> None:
        owned = self._one_of(self.vouchers, which)
        fits = amount <= owned.available and not owned.expired and self.at < owned.valid_until
        self.references += 1
        deadline = self.at + timedelta(hours=hours)
        made = self._refusable(
            lambda: reserve(
                Voucher.objects.get(pk=owned.pk),
                owned.holder,
                amount,
                provider=self.provider,
                order=f"life-{self.references}",
                at=self.at,
                deadline_at=deadline,
            ),
            fits,
        )
        if made is not None:
            owned.available -= amount
            owned.holds.append(Held(made.pk, owned, amount, deadline))

    @precondition(lambda self: self._holds("reserved", "committed", "released"))
    @rule(which=PICK, amount=FEN)
    def commit(self, which: int, amount: int) -> None:
        held = self._one_of(self._holds("reserved", "committed", "released"), which)
        fits = held.state == "reserved" and amount <= held.reserved and self.at < held.deadline
        done = self._refusable(
            lambda: commit_redemption(
                redemption=self._row(held), amount_fen=amount, actor=SYSTEM, at=self.at
            ),
            fits,
        )
        if done is not None:
            held.state, held.committed = "committed", amount
            self._give_back(held.of, held.reserved - amount)

    @precondition(lambda self: self._holds("reserved", "committed", "released"))
    @rule(which=PICK)
    def release(self, which: int) -> None:
        held = self._one_of(self._holds("reserved", "committed", "released"), which)
        done = self._refusable(
            lambda: release_redemption(redemption=self._row(held), actor=SYSTEM, at=self.at),
            held.state == "reserved",
        )
        if done is not None:
            held.state = "released"
            self._give_back(held.of, held.reserved)

    @precondition(lambda self: self._holds("reserved", "committed"))
    @rule(which=PICK)
    def expire_hold(self, which: int) -> None:
        held = self._one_of(self._holds("reserved", "committed"), which)
        fits = held.state == "reserved" and self.at >= held.deadline
        done = self._refusable(
            lambda: expire_redemption(redemption=self._row(held), actor=SYSTEM, at=self.at), fits
        )
        if done is not None:
            held.state = "lapsed"
            self._give_back(held.of, held.reserved)

    @precondition(lambda self: self._holds("committed", "payable", "released"))
    @rule(which=PICK, amount=FEN)
    def refund(self, which: int, amount: int) -> None:
        held = self._one_of(self._holds("committed", "payable", "released"), which)
        fits = held.state == "committed" and amount <= held.committed - held.returned
        self.references += 1
        done = self._refusable(
            lambda: return_redeemed(
                redemption=self._row(held),
                amount_fen=amount,
                reference=f"life-refund-{self.references}",
                actor=SYSTEM,
                at=self.at,
            ),
            fits,
        )
        if done is not None:
            held.returned += amount
            held.state = "returned" if held.returned == held.committed else "committed"
            self._give_back(held.of, amount)

    @precondition(lambda self: self._holds("committed", "returned", "payable"))
    @rule(which=PICK)
    def owe(self, which: int) -> None:
        held = self._one_of(self._holds("committed", "returned", "payable"), which)
        fits = held.state in ("committed", "payable")
        payable = self._refusable(
            lambda: propose_redemption_payable(
                redemption=self._row(held), actor=SYSTEM, at=self.at
            ),
            fits,
        )
        if payable is not None and held.state == "committed":
            assert payable.amount_fen == held.committed - held.returned
            approve_payable(payable=payable, actor=self.office.city.finance_1, at=self.at)
            held.state = "payable"

    @precondition(lambda self: self._holds("payable"))
    @rule(which=PICK)
    def approve(self, which: int) -> None:
        """The second signature; a third finds nothing left to sign."""
        held = self._one_of(self._holds("payable"), which)
        payable = self._row(held).payable
        self._refusable(
            lambda: approve_payable(payable=payable, actor=self.office.city.finance_2, at=self.at),
            payable.state == "half_approved",
        )

    # --- time passes

    @rule(hours=HOURS)
    def wait(self, hours: int) -> None:
        self.at += timedelta(hours=hours)

    @rule(which=PICK)
    def sweep(self, which: int) -> None:
        owned = self._one_of(self.vouchers, which)
        lapse_voucher(voucher_id=owned.pk, actor=SYSTEM, at=self.at)
        if self.at >= owned.valid_until and not owned.expired:
            owned.expired = True
            owned.lapsed += owned.available
            owned.available = 0

    # --- somebody with a shell tries it otherwise

    @rule(which=PICK)
    def attack(self, which: int) -> None:
        name = self.tries[which % len(self.tries)]
        target = Target(
            voucher=self._one_of(self.vouchers, which).pk,
            redemptions=[(each.pk, each.state) for each in self._holds()],
            book=self.envelope.book_id,
            person=self.office.city.finance_1.person_id,
        )
        statements = ATTACKS[name](target)
        if not statements:
            return
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                for statement, values in statements:
                    cursor.execute(statement, values)
                    if not cursor.rowcount:  # nothing there to attack
                        transaction.set_rollback(True)
                        return
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # what a commit would say
        except DatabaseError:
            return
        raise AssertionError(f"the database took it: {name}")

    # --- what must hold after each of them

    @invariant()
    def every_fen_is_where_the_model_says(self) -> None:
        with connection.cursor() as cursor:  # what a commit would find
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        rows = {
            row.pk: row
            for row in Voucher.objects.select_related("available", "reserved").filter(
                pk__in=[owned.pk for owned in self.vouchers]
            )
        }
        for owned in self.vouchers:
            row = rows[owned.pk]
            assert row.available is not None
            assert row.reserved is not None
            assert row.available.balance_fen == owned.available
            assert row.reserved.balance_fen == owned.reserved
            assert (row.state == "expired") == owned.expired
            assert owned.face == owned.available + owned.reserved + owned.redeemed + owned.lapsed
        states = dict(Redemption.objects.filter(voucher__in=list(rows)).values_list("pk", "state"))
        assert states == {held.pk: held.state for held in self._holds()}
        assert self._available_in_envelope() == self.unspent

    def _available_in_envelope(self) -> int:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT balance_fen FROM ledger_account WHERE book_id = %s AND code = %s",
                [self.envelope.book_id, f"env:{self.envelope.pk}:available"],
            )
            return int(cursor.fetchone()[0])

    # --- helpers

    def _adjusted(self, kind: str, amount: int) -> Any:
        city = self.office.city
        adjustment = propose_adjustment(
            kind=kind,
            envelope=self.envelope,
            amount_fen=amount,
            reason="life",
            funding_source=FundingSource.objects.get(issuer=city.organization),
            actor=city.budget_officer,
            at=self.at,
        )
        for officer in (city.second_budget_officer, city.finance_1):
            adjustment = approve_adjustment(adjustment=adjustment, actor=officer, at=self.at)
        return adjustment

    def _refusable(self, deed: Callable[[], Any], fits: bool) -> Any:
        """Do it; refused exactly when it does not fit, and then nothing has changed."""
        try:
            with transaction.atomic():
                done = deed()
        except Refusal as refusal:
            if fits:
                raise AssertionError(f"refused what fits: {refusal}") from refusal
            return None
        assert fits, "took what does not fit"
        return done

    def _give_back(self, owned: Owned, amount: int) -> None:
        """To the voucher while it is valid, to its envelope's lapse account afterwards."""
        if owned.expired or self.at >= owned.valid_until:
            owned.lapsed += amount
        else:
            owned.available += amount

    def _holds(self, *states: str) -> list[Held]:
        return [
            held
            for owned in self.vouchers
            for held in owned.holds
            if not states or held.state in states
        ]

    def _row(self, held: Held) -> Redemption:
        return Redemption.objects.get(pk=held.pk)

    def _one_of(self, rows: list[Any], which: int) -> Any:
        return rows[which % len(rows)]
