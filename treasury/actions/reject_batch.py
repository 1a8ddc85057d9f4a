"""Send a batch back before it leaves the house; its payables wait for another batch."""

from datetime import datetime

from django.db import transaction

from audit.actions.record import record
from audit.decisions import Actor
from identity.roles import Role
from treasury import policy
from treasury.models import Payable, PayoutBatch, PayoutItem
from treasury.moves import move_state


@transaction.atomic
def reject_batch(*, batch: PayoutBatch, reason: str, actor: Actor, at: datetime) -> PayoutBatch:
    """draft | frozen | approved_* → rejected. Raises NotPermitted, StaleState."""
    policy.require_issuer(
        actor, batch.issuer, Role.BATCH_MAKER, Role.BATCH_CHECKER, Role.BATCH_RELEASER
    )
    move_state(batch, to=PayoutBatch.State.REJECTED)
    withdraw_items(batch)
    record("payout_batch.rejected", subject=batch, actor=actor, at=at, data={"reason": reason})
    return batch


def withdraw_items(batch: PayoutBatch) -> None:
    """Every item of `batch` is withdrawn, and its payable waits for another batch."""
    for item in batch.items.select_related("payable").order_by("position"):
        move_state(item, to=PayoutItem.State.WITHDRAWN)
        move_state(item.payable, to=Payable.State.APPROVED)
