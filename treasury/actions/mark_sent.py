"""The bank has the file: the money is on its way."""

from datetime import datetime

from django.db import transaction

from audit.actions.record import record
from audit.decisions import Actor
from identity.roles import Role
from ledger.actions.open_account import open_account
from ledger.actions.post_transfer import Move, post_transfer
from treasury import policy
from treasury.actions.sign_batch import require_unaltered
from treasury.models import PayoutBatch, PayoutItem
from treasury.moves import move_state


@transaction.atomic
def mark_sent(*, batch: PayoutBatch, actor: Actor, at: datetime) -> PayoutBatch:
    """exported → sent; posts every `pay:{payee}:payable → in_transit` as one transfer.

    Raises NotPermitted, StaleState, BatchAltered, InsufficientFunds.
    """
    policy.require_issuer(actor, batch.issuer, Role.BATCH_MAKER, Role.BATCH_RELEASER)
    require_unaltered(batch)
    move_state(batch, to=PayoutBatch.State.SENT)
    in_transit = open_account(book=batch.book, code=batch.account_code("in_transit"))
    moves = []
    for item in batch.items.select_related("payable").order_by("position"):
        move_state(item, to=PayoutItem.State.SENT)
        owed = open_account(book=batch.book, code=item.payable.account_code)
        moves.append(Move(owed, in_transit, item.amount_fen))
    post_transfer(
        reference=f"batch:{batch.pk}:send",
        kind="send",
        moves=moves,
        effective_at=at,
        actor=actor,
    )
    record(
        "payout_batch.sent",
        subject=batch,
        actor=actor,
        at=at,
        data={"control_total_fen": batch.control_total_fen, "item_count": batch.item_count},
    )
    return batch
