"""A city with a budget, its officers, and somebody to pay."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count

import pytest

from audit.decisions import SYSTEM, Actor
from identity.models import Organization
from ledger.actions.open_account import open_account
from ledger.actions.post_transfer import Move, post_transfer
from tests.factories import NOW, make_actors, make_organization
from treasury.actions.add_bank_account import add_bank_account
from treasury.actions.approve_appropriation import approve_appropriation
from treasury.actions.approve_payable import approve_payable
from treasury.actions.commit_value import commit_value
from treasury.actions.create_envelope import create_envelope
from treasury.actions.open_envelope import open_envelope
from treasury.actions.propose_appropriation import propose_appropriation
from treasury.actions.propose_payable import propose_payable
from treasury.actions.register_funding_source import register_funding_source
from treasury.actions.verify_bank_account import verify_bank_account
from treasury.models import BankAccount, Envelope, Payable

_numbers = count(1)


@dataclass(frozen=True)
class City:
    """An issuer and its people; every one of them another person."""

    organization: Organization
    budget_officer: Actor
    second_budget_officer: Actor
    finance_1: Actor
    finance_2: Actor
    maker: Actor
    checker: Actor
    releaser: Actor


def make_city() -> City:
    organization = make_organization("government")
    return City(
        organization,
        *make_actors(
            organization,
            "budget_officer",
            "budget_officer",
            "finance_reviewer",
            "finance_reviewer",
            "batch_maker",
            "batch_checker",
            "batch_releaser",
        ),
    )


def make_envelope(city: City, *, holding_fen: int = 0) -> Envelope:
    """An open envelope with `holding_fen` available; drafted and empty when 0."""
    envelope = create_envelope(
        issuer=city.organization,
        budget_year=2026,
        name=f"vouchers {next(_numbers)}",
        programme_code="demand-2026",
        actor=city.budget_officer,
        at=NOW,
    )
    if holding_fen:
        appropriate(city, envelope, holding_fen)
        open_envelope(envelope=envelope, actor=city.budget_officer, at=NOW)
    return envelope


def appropriate(city: City, envelope: Envelope, amount_fen: int) -> None:
    source = register_funding_source(
        issuer=city.organization,
        name=f"city budget {next(_numbers)}",
        level="city",
        actor=city.budget_officer,
        at=NOW,
    )
    appropriation = propose_appropriation(
        envelope=envelope,
        funding_source=source,
        amount_fen=amount_fen,
        actor=city.budget_officer,
        at=NOW,
    )
    approve_appropriation(appropriation=appropriation, actor=city.second_budget_officer, at=NOW)
    envelope.refresh_from_db()


def make_payee(city: City, *, number: str | None = None) -> Organization:
    payee = make_organization("provider")
    give_account(city, payee, number=number)
    return payee


def give_account(
    city: City,
    payee: Organization,
    *,
    number: str | None = None,
    at=NOW,
    verifier: Actor | None = None,
) -> BankAccount:
    account = add_bank_account(
        organization=payee,
        name=payee.name,
        number=number or f"62220000{next(_numbers):08d}",
        bank="Bank of Langfang",
        actor=city.maker,
        at=at,
    )
    return verify_bank_account(account=account, actor=verifier or city.checker, at=at)


def propose(city: City, envelope: Envelope, payee: Organization, amount_fen: int) -> Payable:
    """A proposed payable with its value behind it in an award's account."""
    number = next(_numbers)
    commit_value(
        envelope=envelope,
        amount_fen=amount_fen,
        reference=f"award:{number}:commit",
        policy_version="v1",
        actor=SYSTEM,
        at=NOW,
    )
    earned = open_account(book=envelope.book, code=f"awd:{number}:earned")
    committed = open_account(book=envelope.book, code=envelope.account_code("committed"))
    post_transfer(
        reference=f"award:{number}:issue",
        kind="issue",
        moves=[Move(committed, earned, amount_fen)],
        effective_at=NOW,
        actor=SYSTEM,
        policy_version="v1",
    )
    return propose_payable(
        payee=payee,
        envelope=envelope,
        kind="subsidy_award",
        amount_fen=amount_fen,
        source_account=earned,
        reference=f"award:{number}",
        policy_version="v1",
        actor=SYSTEM,
        at=NOW,
    )


@pytest.fixture
def city() -> City:
    return make_city()


@pytest.fixture
def envelope(city: City) -> Envelope:
    return make_envelope(city, holding_fen=100_000)


@pytest.fixture
def payee(city: City) -> Organization:
    return make_payee(city)


@pytest.fixture
def owe(city: City, envelope: Envelope, payee: Organization) -> Callable[[int], Payable]:
    """Makes an approved payable of so many fen."""

    def approved(amount_fen: int, to: Organization = payee) -> Payable:
        payable = propose(city, envelope, to, amount_fen)
        approve_payable(payable=payable, actor=city.finance_1, at=NOW)
        return approve_payable(payable=payable, actor=city.finance_2, at=NOW)

    return approved
