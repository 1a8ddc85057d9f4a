"""Draw up a payout batch from approved payables."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from audit.actions.record import record
from audit.decisions import Actor, Invalid
from identity.models import Organization
from identity.roles import Role
from treasury import policy
from treasury.models import BankAccount, Payable, PayoutBatch, PayoutItem, Signature
from treasury.moves import move_state
from treasury.refusals import AccountNotReverified, MixedBooks, NothingToPay, NoVerifiedAccount


@transaction.atomic
def make_batch(
    *,
    issuer: Organization,
    payables: Sequence[Payable],
    actor: Actor,
    at: datetime,
    replaces: PayoutBatch | None = None,
) -> PayoutBatch:
    """Make a draft batch that pays what is due on each of `payables` into its payee's account.

    `replaces` names the rejected batch this is a new version of; whoever checked that one may not
    make this one. Payments the bank returned are reissued here. Raises NotPermitted, NothingToPay,
    MixedBooks, NoVerifiedAccount, AccountNotReverified, StaleState, SamePerson, Invalid.
    """
    policy.require_issuer(actor, issuer, Role.BATCH_MAKER)
    if not payables:
        raise NothingToPay(field="payables")
    ordered = sorted(payables, key=lambda each: each.pk)
    if {(each.book_id, each.issuer_id) for each in ordered} != {(ordered[0].book_id, issuer.pk)}:
        raise MixedBooks(field="payables")
    accounts = {
        account.organization_id: account
        for account in BankAccount.objects.filter(
            organization__in={each.payee_id for each in ordered}, state="verified"
        )
    }
    batch = PayoutBatch.objects.create(
        issuer=issuer,
        book_id=ordered[0].book_id,
        lineage=_lineage(replaces, actor),
        made_by_id=actor.person_id,
        made_at=at,
    )
    for position, payable in enumerate(ordered, start=1):
        account = accounts.get(payable.payee_id)
        if account is None:
            raise NoVerifiedAccount(payee=payable.payee.name, field="payables")
        returned = _returned(payable, account)
        move_state(payable, to=Payable.State.IN_BATCH)
        if returned is not None:
            move_state(returned, to=PayoutItem.State.REISSUED)
            record("payout_item.reissued", subject=returned, actor=actor, at=at)
        PayoutItem.objects.create(
            batch=batch,
            position=position,
            payable=payable,
            bank_account=account,
            amount_fen=payable.due_fen,
            reissues=returned,
        )
    record(
        "payout_batch.made",
        subject=batch,
        actor=actor,
        at=at,
        data={
            "items": len(ordered),
            "total_fen": sum(each.due_fen for each in ordered),
            "replaces": replaces.pk if replaces else None,
        },
    )
    return batch


def _lineage(replaces: PayoutBatch | None, actor: Actor) -> int | None:
    if replaces is None:
        return None
    if replaces.state not in (PayoutBatch.State.REJECTED, PayoutBatch.State.RECALLED):
        raise Invalid(
            "replaces",
            "only a rejected or recalled batch is replaced",
            "仅可替换已驳回或已撤回的批次",
        )
    lineage = replaces.lineage or replaces.pk
    others = Signature.objects.filter(lineage=lineage).exclude(act="made")
    policy.require_another_person(
        actor,
        *others.values_list("person_id", flat=True),
        first="check a batch",
        second="make its next version",
        first_zh="复核批次",
        second_zh="制作其新版本",
    )
    return lineage


def _returned(payable: Payable, account: BankAccount) -> PayoutItem | None:
    came_back = payable.items.filter(state__in=["returned", "reissued"])
    for earlier in came_back.select_related("bank_account"):
        verified_since = earlier.answered_at is None or (
            account.verified_at is not None and account.verified_at > earlier.answered_at
        )
        if verified_since and account.verified_by_id != earlier.bank_account.verified_by_id:
            continue
        raise AccountNotReverified(payee=payable.payee.name, field="payables")
    return payable.items.filter(state=PayoutItem.State.RETURNED).first()
