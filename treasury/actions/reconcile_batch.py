"""Tie a batch to the bank's answers, then close it."""

from datetime import datetime

from django.db import transaction

from audit.actions.record import record
from audit.decisions import Actor
from identity.roles import Role
from ledger.actions.open_account import open_account
from treasury import policy
from treasury.models import PayoutBatch, PayoutItem
from treasury.moves import move_state
from treasury.refusals import BatchAltered, ItemsUnresolved

KNOWN = (PayoutItem.State.PAID, PayoutItem.State.RETURNED, PayoutItem.State.REISSUED)


@transaction.atomic
def reconcile_batch(*, batch: PayoutBatch, actor: Actor, at: datetime) -> PayoutBatch:
    """confirmed | partially_confirmed → reconciled; nothing may be left on its way.

    Raises NotPermitted, StaleState, ItemsUnresolved while a payment is sent or unknown.
    """
    policy.require_issuer(actor, batch.issuer, Role.BATCH_CHECKER, Role.FINANCE_REVIEWER)
    PayoutBatch.objects.select_for_update(no_key=True).get(pk=batch.pk)
    count = batch.items.exclude(state__in=KNOWN).count()
    if count and (batch.state, PayoutBatch.State.RECONCILED) in PayoutBatch.MOVES:
        raise ItemsUnresolved(count=count)
    in_transit = open_account(book=batch.book, code=batch.account_code("in_transit"))
    if in_transit.balance_fen:
        raise BatchAltered(batch=batch.pk)
    move_state(batch, to=PayoutBatch.State.RECONCILED)
    record("payout_batch.reconciled", subject=batch, actor=actor, at=at)
    return batch


@transaction.atomic
def close_batch(*, batch: PayoutBatch, actor: Actor, at: datetime) -> PayoutBatch:
    """reconciled → closed. Raises NotPermitted, StaleState."""
    policy.require_issuer(actor, batch.issuer, Role.BATCH_CHECKER, Role.FINANCE_REVIEWER)
    move_state(batch, to=PayoutBatch.State.CLOSED)
    record("payout_batch.closed", subject=batch, actor=actor, at=at)
    return batch
