"""Read a camt.054: the bank's booked entries over all batches, and what it cannot name."""

import re
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from audit.decisions import Actor
from identity.models import Organization
from identity.roles import Role
from treasury import policy
from treasury.actions.confirm_items import confirm_items
from treasury.actions.suspend_return import suspend_return
from treasury.bank_files import BankRow
from treasury.iso20022.read_camt054 import read_camt054
from treasury.models import BankAccount, PayoutBatch, PayoutItem, SuspenseEntry


@dataclass(frozen=True)
class NoticeRead:
    """What a notice did: the batches it answered, and the returns it left unidentified."""

    answers: int
    batches: tuple[PayoutBatch, ...]
    suspended: tuple[SuspenseEntry, ...]


@transaction.atomic
def read_bank_notice(
    *, issuer: Organization, content: str, actor: Actor, at: datetime
) -> NoticeRead:
    """Apply all of `content`, or nothing of it. The same notice again changes nothing.

    Raises NotPermitted, MalformedBankFile, AnswerContradicts, StaleState.
    """
    policy.require_issuer(
        actor, issuer, Role.BATCH_MAKER, Role.BATCH_CHECKER, Role.FINANCE_REVIEWER
    )
    items = _named_in(content, issuer)
    account = BankAccount.objects.filter(organization=issuer, state="verified").first()
    notice = read_camt054(
        content, account_number=account.number if account else None, ours=items.keys()
    )
    by_batch: dict[int, list[BankRow]] = {}
    for row in notice.rows:
        by_batch.setdefault(items[row.end_to_end_id].batch_id, []).append(row)
    batches = []
    for batch in PayoutBatch.objects.filter(pk__in=by_batch).order_by("pk"):
        # A payment before its return, whichever the bank wrote first.
        rows = sorted(by_batch[batch.pk], key=lambda row: row.status == "returned")
        batches.append(
            confirm_items(
                batch=batch, rows=rows, content=content, format="camt.054", actor=actor, at=at
            )
        )
    suspended = [
        suspend_return(
            issuer=issuer,
            amount_fen=each.amount_fen,
            bank_reference=each.bank_reference,
            note=each.note,
            actor=actor,
            at=at,
        )
        for each in notice.unidentified
    ]
    return NoticeRead(len(notice.rows), tuple(batches), tuple(suspended))


def _named_in(content: str, issuer: Organization) -> dict[str, PayoutItem]:
    """Payments of `issuer` that `content` names, by end-to-end id."""
    named = {
        (int(batch), int(position))
        for batch, position in re.findall(r"\bSQ(\d{8,18})-(\d{5,9})\b", content)
    }
    if not named:
        return {}
    batches = {batch for batch, _position in named}
    positions = {position for _batch, position in named}
    found = PayoutItem.objects.filter(
        Q(batch__in=batches) & Q(position__in=positions), batch__issuer=issuer
    ).exclude(state__in=["queued", "withdrawn"])
    return {item.end_to_end_id: item for item in found if (item.batch_id, item.position) in named}
