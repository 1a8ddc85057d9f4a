"""Say what an unidentified bank return is: one of our payments come back, or somebody else's."""

from datetime import datetime

from django.db import transaction

from audit.actions.record import record
from audit.decisions import Actor, Invalid
from ledger.actions.open_account import open_account
from ledger.actions.post_transfer import Move, post_transfer
from treasury import policy
from treasury.actions.confirm_items import confirm_items
from treasury.actions.suspend_return import BANK_CODE, KEEPERS
from treasury.bank_files import BankRow
from treasury.models import SUSPENSE_CODE, PayoutItem, SuspenseEntry
from treasury.moves import move_state
from treasury.refusals import NotTheSameAmount


@transaction.atomic
def clear_suspense(
    *,
    entry: SuspenseEntry,
    explanation: str,
    actor: Actor,
    at: datetime,
    item: PayoutItem | None = None,
) -> SuspenseEntry:
    """With `item`: that payment came back, and is returned. Without: handed over to its owner.

    By another person than booked it. Raises NotPermitted, SamePerson, Invalid, NotTheSameAmount,
    StaleState, and what confirm_items raises for a payment that cannot come back.
    """
    policy.require_issuer(actor, entry.issuer, *KEEPERS)
    policy.require_another_person(
        actor,
        entry.booked_by_id,
        first="book a bank return",
        second="clear it",
        first_zh="登记银行退款",
        second_zh="查明该退款",
    )
    if item is not None and item.batch.issuer_id != entry.issuer_id:
        raise Invalid("item", "not a payment of this issuer", "不是该机关的付款")
    if item is not None and item.amount_fen != entry.amount_fen:
        raise NotTheSameAmount(
            amount_fen=entry.amount_fen, end_to_end_id=item.end_to_end_id, paid_fen=item.amount_fen
        )
    state = SuspenseEntry.State.IDENTIFIED if item else SuspenseEntry.State.HANDED_OVER
    move_state(
        entry,
        to=state,
        item=item,
        explanation=explanation,
        cleared_by_id=actor.person_id,
        cleared_at=at,
    )
    post_transfer(
        reference=f"suspense:{entry.pk}:clear",
        kind="clear_suspense",
        moves=[
            Move(
                open_account(book=entry.book, code=SUSPENSE_CODE),
                open_account(book=entry.book, code=BANK_CODE, floor_fen=None),
                entry.amount_fen,
            )
        ],
        effective_at=at,
        actor=actor,
    )
    if item is not None:
        row = BankRow(item.end_to_end_id, "returned", entry.amount_fen, None, entry.bank_reference)
        confirm_items(batch=item.batch, rows=[row], actor=actor, at=at, format="json")
    record(
        f"suspense.{state}",
        subject=entry,
        actor=actor,
        at=at,
        data={
            "amount_fen": entry.amount_fen,
            "item": item.end_to_end_id if item else None,
            "explanation": explanation,
        },
    )
    return entry
