"""Propose that money is owed. The value stays where it is until two people approve.

Called by the rooms that know why it is owed; the system may propose, never approve.
"""

from datetime import datetime

from django.db import transaction

from audit.actions.record import record
from audit.decisions import Actor, Invalid
from identity.models import Organization
from ledger.models import Account
from ledger.money import is_amount
from ledger.refusals import ReferenceReused
from treasury.models import Envelope, Payable


@transaction.atomic
def propose_payable(
    *,
    payee: Organization,
    envelope: Envelope | None,
    kind: str,
    amount_fen: int,
    source_account: Account,
    reference: str,
    policy_version: str,
    actor: Actor,
    at: datetime,
    issuer: Organization | None = None,
) -> Payable:
    """Create a proposed payable of `amount_fen` out of `source_account`.

    `kind` is one of Payable.Kind. Without an `envelope` the money is not of a budget but of
    another region (clearing), and `issuer` says who pays. Idempotent on
    `reference`: the same body returns the first.
    Raises Invalid, ReferenceReused.
    """
    if not is_amount(amount_fen):
        raise Invalid("amount_fen", "a positive whole number of fen", "须为正整数（分）")
    if kind not in Payable.Kind.values:
        raise Invalid("kind", "unknown kind of payable", "未知的应付款类别")
    if envelope is None and issuer is None:
        raise Invalid("issuer", "who pays, where no envelope says so", "无预算额度时须指明付款方")
    if envelope is not None and source_account.book_id != envelope.book_id:
        raise Invalid("source_account", "not in the envelope's book", "不在该预算额度的账套内")
    envelope_id = envelope.pk if envelope is not None else None
    payer_id = envelope.issuer_id if envelope is not None else issuer.pk if issuer else 0
    payable, created = Payable.objects.get_or_create(
        reference=reference,
        defaults={
            "issuer_id": payer_id,
            "payee": payee,
            "envelope": envelope,
            "book_id": source_account.book_id,
            "kind": kind,
            "amount_fen": amount_fen,
            "source_account": source_account,
            "policy_version": policy_version,
            "proposed_by_id": actor.person_id,
            "proposed_at": at,
        },
    )
    if not created:
        same = (payee.pk, envelope_id, kind, amount_fen, source_account.pk, policy_version)
        if same != (
            payable.payee_id,
            payable.envelope_id,
            payable.kind,
            payable.amount_fen,
            payable.source_account_id,
            payable.policy_version,
        ):
            raise ReferenceReused(reference=reference)
        return payable
    record(
        "payable.proposed",
        subject=payable,
        actor=actor,
        at=at,
        data={
            "reference": reference,
            "kind": kind,
            "payee_id": payee.pk,
            "envelope_id": envelope_id,
            "amount_fen": amount_fen,
            "policy_version": policy_version,
        },
    )
    return payable
