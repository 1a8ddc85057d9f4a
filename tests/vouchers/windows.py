"""A claim window in force and enterprises admitted to it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import connection
from django.utils import timezone

from audit.decisions import Actor
from identity.models import Organization
from tests.factories import make_actor, make_organization
from tests.vouchers.office import Office, make_office, make_programme
from tests.vouchers.rules.sheets import WAN
from vouchers.actions.admit_enterprise import admit_enterprise
from vouchers.actions.answer_claims import answer_claims
from vouchers.actions.draft_window import draft_window
from vouchers.actions.open_window import open_window
from vouchers.claiming.claim_batch import AskedClaim
from vouchers.models import ClaimWindow, Programme, WindowAnswer

FACE_FEN = 1_000_00
LAST_DAY = date(2026, 12, 31)


@dataclass(frozen=True)
class Rush:
    """An open window, who runs it, and who may claim in it."""

    office: Office
    window: ClaimWindow
    applicants: Sequence[Actor]

    @property
    def programme(self) -> Programme:
        return self.window.programme


def make_window(
    *,
    office: Office | None = None,
    programme: Programme | None = None,
    opened: bool = True,
    holding_fen: int = 100 * WAN,
    starts_in: timedelta = timedelta(hours=-1),
    lasts: timedelta = timedelta(hours=3),
    at: datetime | None = None,
    **more,
) -> tuple[Office, ClaimWindow]:
    """A window of three vouchers of 1,000 CNY, open since an hour, unless told otherwise."""
    office = office or make_office()
    programme = programme or make_programme(office, holding_fen=holding_fen)
    at = at or timezone.now()
    window = draft_window(
        **{
            "programme": programme,
            "name": "spring window",
            "tranche_fen": 3 * FACE_FEN,
            "face_fen": FACE_FEN,
            "admission": "region",
            "opens_at": at + starts_in,
            "closes_at": at + starts_in + lasts,
            "valid_through": (at + timedelta(days=30)).date(),
            **more,
        },
        actor=office.drafter,
        at=at,
    )
    if opened:
        open_window(window=window, actor=office.approver_1, at=at)
    return office, window


def admit(window: ClaimWindow, actor: Actor | None = None, *, at=None, **facts) -> Actor:
    """An applicant (a new enterprise's unless told) admitted to `window`."""
    actor = actor or make_actor(make_organization("enterprise"), "enterprise_applicant")
    admit_enterprise(
        window=window,
        enterprise=Organization.objects.get(pk=actor.organization_id),
        facts=facts,
        actor=actor,
        at=at or timezone.now(),
    )
    return actor


def make_rush(enterprises: int = 4, **more) -> Rush:
    office, window = make_window(**more)
    return Rush(office, window, [admit(window) for _ in range(enterprises)])


def asked(actor: Actor, *, key: str | None = None, amount_fen: int | None = None) -> AskedClaim:
    assert actor.organization_id
    return AskedClaim(
        actor.organization_id, actor.person_id, key or f"key-{actor.organization_id}", amount_fen
    )


def claim(window: ClaimWindow, *actors: Actor, **more):
    """The answers of one batch."""
    return answer_claims(window_id=window.pk, claims=[asked(each, **more) for each in actors])


def answer_of(window: ClaimWindow, actor: Actor) -> WindowAnswer:
    return WindowAnswer.objects.get(window=window, enterprise=actor.organization_id)


def states(window: ClaimWindow) -> list[str]:
    """In the order of places."""
    return list(window.answers.order_by("place", "pk").values_list("state", flat=True))


def remaining_fen(window: ClaimWindow) -> int:
    window.refresh_from_db()
    assert window.remaining is not None
    window.remaining.refresh_from_db()
    return window.remaining.balance_fen


def set_claim_clock(instant: datetime) -> None:
    """For the rest of this test the database's clock of windows stands at `instant`."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE OR REPLACE FUNCTION vouchers_claim_clock() RETURNS timestamptz"
            f" LANGUAGE sql VOLATILE AS $$ SELECT '{instant.isoformat()}'::timestamptz $$"
        )
