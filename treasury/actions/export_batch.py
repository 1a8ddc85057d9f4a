"""Write the payment file of a released batch, once."""

from datetime import datetime

from django.db import transaction

from audit.actions.record import record
from audit.canonical import sha256_hex
from audit.decisions import Actor
from identity.roles import Role
from treasury import policy
from treasury.actions.sign_batch import require_unaltered
from treasury.bank_files import write_payments
from treasury.models import BankFile, PayoutBatch
from treasury.moves import move_state
from treasury.queries import payments_of


@transaction.atomic
def export_batch(*, batch: PayoutBatch, actor: Actor, at: datetime) -> BankFile:
    """approved_2 → exported; returns the CSV file as kept.

    Raises NotPermitted, StaleState, BatchAltered.
    """
    policy.require_issuer(actor, batch.issuer, Role.BATCH_MAKER, Role.BATCH_RELEASER)
    require_unaltered(batch)
    move_state(batch, to=PayoutBatch.State.EXPORTED)
    content = write_payments(payments_of(batch))
    file = BankFile.objects.create(
        batch=batch,
        direction=BankFile.Direction.OUT,
        format="csv",
        content=content,
        sha256=sha256_hex(content),
        person_id=actor.person_id,
    )
    record(
        "payout_batch.exported",
        subject=batch,
        actor=actor,
        at=at,
        data={
            "format": file.format,
            "sha256": file.sha256,
            "control_total_fen": batch.control_total_fen,
            "item_count": batch.item_count,
            "content_hash": batch.content_hash,
        },
    )
    return file
