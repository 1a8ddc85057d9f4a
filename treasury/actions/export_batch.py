"""Write the payment files of a released batch, once: CSV, and pain.001 from a known account."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db import transaction

from audit.actions.record import record
from audit.canonical import sha256_hex
from audit.decisions import Actor
from identity.roles import Role
from treasury import policy
from treasury.actions.sign_batch import require_unaltered
from treasury.bank_files import write_payments
from treasury.iso20022.write_pain001 import Debtor, write_pain001
from treasury.models import BankAccount, BankFile, PayoutBatch
from treasury.moves import move_state
from treasury.queries import payments_of

SHANGHAI = ZoneInfo("Asia/Shanghai")
BANK_CLOSES = time(16, 30)


def cut_off_after(at: datetime) -> datetime:
    """16:30 in Shanghai on the day of `at`, or on the next when that has passed.

    A default: an office agrees its cut-off with its bank and passes it to export_batch.
    """
    local = at.astimezone(SHANGHAI)
    today = datetime.combine(local.date(), BANK_CLOSES, SHANGHAI)
    return today if local < today else today + timedelta(days=1)


@transaction.atomic
def export_batch(
    *, batch: PayoutBatch, actor: Actor, at: datetime, cut_off_at: datetime | None = None
) -> BankFile:
    """approved_2 → exported; returns the CSV file as kept. Until `cut_off_at` it may be recalled.

    pain.001 is written beside it when the issuer has a verified account to pay from.
    Raises NotPermitted, StaleState, BatchAltered.
    """
    policy.require_issuer(actor, batch.issuer, Role.BATCH_MAKER, Role.BATCH_RELEASER)
    require_unaltered(batch)
    move_state(batch, to=PayoutBatch.State.EXPORTED, cut_off_at=cut_off_at or cut_off_after(at))
    payments = payments_of(batch)
    contents = {"csv": write_payments(payments)}
    debtor = _debtor(batch)
    if debtor is not None:
        contents["pain.001"] = write_pain001(
            payments, debtor=debtor, message_id=batch.message_id, at=at
        )
    file, *_others = [
        BankFile.objects.create(
            batch=batch,
            direction=BankFile.Direction.OUT,
            format=format,
            content=content,
            sha256=sha256_hex(content),
            person_id=actor.person_id,
        )
        for format, content in contents.items()
    ]
    record(
        "payout_batch.exported",
        subject=batch,
        actor=actor,
        at=at,
        data={
            "format": file.format,
            "sha256": file.sha256,
            "pain001_sha256": _others[0].sha256 if _others else None,
            "cut_off_at": batch.cut_off_at,
            "control_total_fen": batch.control_total_fen,
            "item_count": batch.item_count,
            "content_hash": batch.content_hash,
        },
    )
    return file


def _debtor(batch: PayoutBatch) -> Debtor | None:
    """The issuer's one verified account; None when it has none, which leaves the CSV alone."""
    account = BankAccount.objects.filter(organization=batch.issuer, state="verified").first()
    if account is None:
        return None
    return Debtor(
        name=batch.issuer.name,
        uscc=batch.issuer.uscc,
        account_name=account.name,
        account_number=account.number,
        bank=account.bank,
        cnaps=account.cnaps,
    )
