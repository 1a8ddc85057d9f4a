"""Small builders for tests: people, organizations, accounts with value in them."""

from datetime import UTC, datetime
from itertools import count

from django.contrib.auth.hashers import make_password
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from stdnum.cn import uscc

from audit.decisions import SYSTEM, Actor
from identity.actions.grant_role import grant_role
from identity.actions.issue_api_key import issue_api_key
from identity.actions.register_organization import register_organization
from identity.models import Membership, Organization, RoleGrant, User
from ledger.actions.open_account import open_account, open_book
from ledger.actions.post_transfer import Move, post_transfer
from ledger.models import Account, Book

NOW = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)  # 10:00 in Shanghai
ROLES_BEGIN = datetime(2020, 1, 1, tzinfo=UTC)
_numbers = count(1)


def make_uscc(number: int | None = None, *, adcode: str = "131000") -> str:
    """A code with a right check digit; different for every number."""
    body = f"91{adcode}MA{(number or next(_numbers)):07d}"
    return body + uscc.calc_check_digit(body)


def make_organization(kind: str = "enterprise", *, adcode: str = "131000") -> Organization:
    number = next(_numbers)
    return register_organization(
        kind=kind,
        name=f"{kind} {number}",
        uscc=make_uscc(number, adcode=adcode),
        adcode=adcode,
        actor=SYSTEM,
        at=NOW,
    )


def make_membership(organization: Organization, *roles: str) -> Membership:
    user = User.objects.create_user(f"person-{next(_numbers)}", password="a long test password")
    membership = Membership.objects.create(user=user, organization=organization)
    for role in roles:
        grant_role(
            user=user,
            organization=organization,
            role=role,
            actor=SYSTEM,
            at=ROLES_BEGIN,
        )
    return membership


def make_actor(organization: Organization, *roles: str) -> Actor:
    return make_membership(organization, *roles).actor(at=NOW)


def make_actors(organization: Organization, *roles: str) -> list[Actor]:
    """One person for each of `roles`, in three statements however many: most tests need a dozen."""
    password = make_password("a long test password")
    users = User.objects.bulk_create(
        User(username=f"person-{next(_numbers)}", password=password) for _ in roles
    )
    memberships = Membership.objects.bulk_create(
        Membership(user=user, organization=organization) for user in users
    )
    RoleGrant.objects.bulk_create(
        RoleGrant(membership=membership, role=role, valid=DateTimeTZRange(ROLES_BEGIN, None))
        for membership, role in zip(memberships, roles, strict=True)
    )
    return [
        Actor(user.pk, organization.pk, user.get_username(), frozenset({role}))
        for user, role in zip(users, roles, strict=True)
    ]


def make_key(membership: Membership) -> str:
    """The value of an Authorization header for this membership."""
    return "Api-Key " + issue_api_key(membership=membership, name="test", actor=SYSTEM, at=NOW)


def make_book() -> Book:
    return open_book(issuer_adcode="131000", budget_year=2000 + next(_numbers))


def make_account(book: Book, code: str, *, holding_fen: int = 0) -> Account:
    account = open_account(book=book, code=code)
    if holding_fen:
        fund = open_account(book=book, code="fund:test", floor_fen=None)
        post_transfer(
            reference=f"fill-{next(_numbers)}",
            kind="appropriate",
            moves=[Move(fund, account, holding_fen)],
            effective_at=NOW,
            actor=SYSTEM,
        )
        account.refresh_from_db()
    return account
