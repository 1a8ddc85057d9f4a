"""Call an exported batch back before the bank's cut-off; its payables wait for another batch."""

from datetime import datetime

from django.db import transaction

from audit.actions.record import record
from audit.decisions import Actor
from identity.roles import Role
from treasury import policy
from treasury.actions.reject_batch import withdraw_items
from treasury.models import PayoutBatch
from treasury.moves import move_state
from treasury.refusals import CutOffPassed


@transaction.atomic
def recall_batch(*, batch: PayoutBatch, reason: str, actor: Actor, at: datetime) -> PayoutBatch:
    """exported → recalled, before `cut_off_at`; nothing was posted yet.

    Any one of the batch's people may stop it. Raises NotPermitted, StaleState, CutOffPassed.
    """
    policy.require_issuer(
        actor, batch.issuer, Role.BATCH_MAKER, Role.BATCH_CHECKER, Role.BATCH_RELEASER
    )
    if batch.cut_off_at is not None and at >= batch.cut_off_at:
        raise CutOffPassed(cut_off=batch.cut_off_at.isoformat(), batch=batch.pk)
    move_state(batch, to=PayoutBatch.State.RECALLED, recalled_by_id=actor.person_id, recalled_at=at)
    withdraw_items(batch)
    record("payout_batch.recalled", subject=batch, actor=actor, at=at, data={"reason": reason})
    return batch
