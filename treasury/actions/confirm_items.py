"""Read the bank's answers: paid, returned, or unknown. All of a file, or nothing of it."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from django.db import transaction

from audit.actions.record import record
from audit.canonical import canonical_json, sha256_hex
from audit.decisions import Actor, StaleState
from identity.roles import Role
from ledger.actions.open_account import open_account
from ledger.actions.post_transfer import Move, post_transfer
from treasury import policy
from treasury.bank_files import BankRow, check_answers
from treasury.models import BankFile, Payable, PayoutBatch, PayoutItem
from treasury.moves import move_state
from treasury.refusals import AnswerContradicts, UnknownItem

AWAITING = (PayoutBatch.State.SENT, PayoutBatch.State.PARTIALLY_CONFIRMED)
# A bank may return a payment days after it was paid: the batch stays, the money comes back.
ANSWERED = (
    PayoutBatch.State.CONFIRMED,
    PayoutBatch.State.RECONCILED,
    PayoutBatch.State.CLOSED,
)
EVERY_ITEM = "*"


@transaction.atomic
def confirm_items(
    *,
    batch: PayoutBatch,
    rows: Sequence[BankRow],
    actor: Actor,
    at: datetime,
    content: str | None = None,
    format: str = "csv",
) -> PayoutBatch:
    """Apply the bank's `rows` and keep its file (`content`, or the rows when it came otherwise).

    Paid value moves `in_transit → paid`, returned value back to `pay:{payee}:payable`; an unknown
    payment stays in transit and blocks reconciliation. A payment returned after it was paid is owed
    again. The end-to-end id "*" answers for every payment still on its way. The same file twice
    changes nothing.
    Raises NotPermitted, MalformedBankFile, UnknownItem, AnswerContradicts, StaleState.
    """
    policy.require_issuer(
        actor, batch.issuer, Role.BATCH_MAKER, Role.BATCH_CHECKER, Role.FINANCE_REVIEWER
    )
    check_answers(rows, once_per_status=format == "camt.054")
    text = content if content is not None else canonical_json([asdict(row) for row in rows])
    locked = PayoutBatch.objects.select_for_update(no_key=True).get(pk=batch.pk)
    if BankFile.objects.filter(batch=batch, direction="in", sha256=sha256_hex(text)).exists():
        batch.refresh_from_db()
        return batch
    if locked.state not in AWAITING + ANSWERED:
        raise StaleState(
            thing=PayoutBatch._meta.verbose_name_raw,
            current=locked.state,
            needed=" / ".join(AWAITING + ANSWERED),
        )
    items = {
        item.end_to_end_id: item
        for item in batch.items.select_related("payable", "batch__book").order_by("position")
    }
    for position, row in enumerate(rows, start=1):
        number = row.line or position
        if row.end_to_end_id == EVERY_ITEM:
            for each in [one for one in items.values() if one.state == PayoutItem.State.SENT]:
                _apply(each, row, number, actor, at)
            continue
        item = items.get(row.end_to_end_id)
        if item is None:
            raise UnknownItem(row=number, end_to_end_id=row.end_to_end_id)
        _apply(item, row, number, actor, at)
    BankFile.objects.create(
        batch=batch,
        direction=BankFile.Direction.IN,
        format=format,
        content=text,
        sha256=sha256_hex(text),
        person_id=actor.person_id,
    )
    _conclude(batch, actor, at)
    return batch


def _apply(item: PayoutItem, row: BankRow, number: int, actor: Actor, at: datetime) -> None:
    if row.amount_fen is not None and row.amount_fen != item.amount_fen:
        raise AnswerContradicts(
            row=number,
            end_to_end_id=row.end_to_end_id,
            current=f"{item.amount_fen} fen",
            said=f"{row.amount_fen} fen",
        )
    if item.state == row.status:
        return  # the bank repeats itself
    if (item.state, row.status) not in PayoutItem.MOVES:
        raise AnswerContradicts(
            row=number, end_to_end_id=row.end_to_end_id, current=item.state, said=row.status
        )
    late = item.state == PayoutItem.State.PAID
    move_state(
        item,
        to=row.status,
        bank_code=row.code,
        bank_reference=row.bank_reference,
        answered_at=at,
    )
    facts = {
        "payable_id": item.payable_id,
        "reference": item.payable.reference,
        "kind": item.payable.kind,
        "payee_id": item.payable.payee_id,
        "amount_fen": item.amount_fen,
        "end_to_end_id": item.end_to_end_id,
    }
    if row.status == PayoutItem.State.PAID:
        _post(item, "confirm", "in_transit", item.batch.account_code("paid"), None, actor, at)
        move_state(item.payable, to=Payable.State.PAID)
        record("payable.paid", subject=item.payable, actor=actor, at=at, data=facts)
    elif row.status == PayoutItem.State.RETURNED:
        came_from = "paid" if late else "in_transit"
        _post(item, "bounce", came_from, item.payable.account_code, 0, actor, at)
        move_state(item.payable, to=Payable.State.APPROVED)
        if late:
            record("payable.unpaid", subject=item.payable, actor=actor, at=at, data=facts)
    record(
        f"payout_item.{row.status}",
        subject=item,
        actor=actor,
        at=at,
        data=facts | {"code": row.code, "bank_reference": row.bank_reference},
    )


def _post(
    item: PayoutItem,
    kind: str,
    part: str,
    code: str,
    floor_fen: int | None,
    actor: Actor,
    at: datetime,
) -> None:
    book = item.batch.book
    source = open_account(
        book=book, code=item.batch.account_code(part), floor_fen=None if part == "paid" else 0
    )
    post_transfer(
        reference=f"item:{item.pk}:{kind}",
        kind=kind,
        moves=[
            Move(source, open_account(book=book, code=code, floor_fen=floor_fen), item.amount_fen)
        ],
        effective_at=at,
        actor=actor,
        policy_version=item.payable.policy_version,
    )


def _conclude(batch: PayoutBatch, actor: Actor, at: datetime) -> None:
    batch.refresh_from_db()
    if batch.state not in AWAITING:
        return
    unpaid = batch.items.exclude(state=PayoutItem.State.PAID).exists()
    to = PayoutBatch.State.PARTIALLY_CONFIRMED if unpaid else PayoutBatch.State.CONFIRMED
    if batch.state != to:
        move_state(batch, to=to)
        record(f"payout_batch.{to}", subject=batch, actor=actor, at=at)
