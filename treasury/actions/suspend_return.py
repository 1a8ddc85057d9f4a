"""Book a bank return that names no payment of ours, until somebody finds out what it is."""

from datetime import datetime
from zoneinfo import ZoneInfo

from django.db import transaction

from audit.actions.record import record
from audit.decisions import Actor
from identity.models import Organization
from identity.roles import Role
from ledger.actions.open_account import open_account, open_book
from ledger.actions.post_transfer import Move, post_transfer
from treasury import policy
from treasury.models import SUSPENSE_CODE, SuspenseEntry
from treasury.proposals import require_amount

BANK_CODE = "bank:unidentified"
KEEPERS = (Role.BATCH_MAKER, Role.BATCH_CHECKER, Role.FINANCE_REVIEWER)


@transaction.atomic
def suspend_return(
    *,
    issuer: Organization,
    amount_fen: int,
    bank_reference: str,
    note: str,
    actor: Actor,
    at: datetime,
) -> SuspenseEntry:
    """Post `bank → susp:bank_return` in the issuer's book of the year; once for a bank reference.

    Raises NotPermitted, Invalid.
    """
    policy.require_issuer(actor, issuer, *KEEPERS)
    require_amount(amount_fen)
    known = SuspenseEntry.objects.filter(issuer=issuer, bank_reference=bank_reference).first()
    if known is not None:
        return known
    year = at.astimezone(ZoneInfo("Asia/Shanghai")).year
    book = open_book(issuer_adcode=issuer.adcode, budget_year=year)
    entry = SuspenseEntry.objects.create(
        issuer=issuer,
        book=book,
        bank_reference=bank_reference,
        amount_fen=amount_fen,
        note=note,
        booked_by_id=actor.person_id,
        booked_at=at,
    )
    post_transfer(
        reference=f"suspense:{entry.pk}",
        kind="suspend",
        moves=[
            Move(
                open_account(book=book, code=BANK_CODE, floor_fen=None),
                open_account(book=book, code=SUSPENSE_CODE),
                amount_fen,
            )
        ],
        effective_at=at,
        actor=actor,
    )
    record(
        "suspense.booked",
        subject=entry,
        actor=actor,
        at=at,
        data={"bank_reference": bank_reference, "amount_fen": amount_fen, "note": note},
    )
    return entry
