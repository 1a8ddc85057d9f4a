"""Draw up a budget: a name, a year, a programme; no money in it yet."""

from datetime import datetime

from django.db import IntegrityError, transaction

from audit.actions.record import record
from audit.decisions import Actor, Invalid
from identity.models import Organization
from ledger.actions.open_account import open_account, open_book
from treasury import policy
from treasury.models import Envelope


@transaction.atomic
def create_envelope(
    *,
    issuer: Organization,
    budget_year: int,
    name: str,
    programme_code: str,
    actor: Actor,
    at: datetime,
    in_tranches: bool = False,
) -> Envelope:
    """Create a drafted envelope and its ledger accounts in the issuer's book of `budget_year`.

    `in_tranches`: what is appropriated becomes available only as tranches are released.
    Raises NotPermitted, Invalid (year out of range, name taken).
    """
    policy.require_issuer(actor, issuer, *policy.BUDGET)
    if not 2000 <= budget_year <= 2100:
        raise Invalid("budget_year", "a year from 2000 to 2100", "年份须在 2000 至 2100 之间")
    book = open_book(issuer_adcode=issuer.adcode, budget_year=budget_year)
    try:
        with transaction.atomic():
            envelope = Envelope.objects.create(
                issuer=issuer,
                book=book,
                name=name,
                programme_code=programme_code,
                in_tranches=in_tranches,
                created_by_id=actor.person_id,
                created_at=at,
            )
    except IntegrityError as error:
        raise Invalid(
            "name", "this name is taken in this year", "该年度已有同名预算额度"
        ) from error
    parts = ("unreleased", "available", "committed")
    for part in parts if in_tranches else parts[1:]:
        open_account(book=book, code=envelope.account_code(part))
    open_account(book=book, code=envelope.lapse_code)
    record(
        "envelope.created",
        subject=envelope,
        actor=actor,
        at=at,
        data={"book": str(book), "name": name, "programme_code": programme_code}
        | ({"in_tranches": True} if in_tranches else {}),
    )
    return envelope
