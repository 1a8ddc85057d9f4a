"""Limit what an envelope's vouchers may redeem before they are told more: a redemption quota."""

from datetime import datetime

from django.db import transaction

from audit.actions.record import record
from audit.decisions import Actor
from ledger.actions.open_account import open_account
from ledger.actions.post_transfer import Move, post_transfer
from ledger.models import Account
from treasury.models import Envelope
from vouchers import policy


@transaction.atomic
def add_redemption_quota(
    *, envelope: Envelope, amount_fen: int, reference: str, actor: Actor, at: datetime
) -> Account:
    """Let the envelope's vouchers redeem `amount_fen` more at once; the first call sets the limit.

    A count kept in the ledger beside the money, so that its floor is exact: from `quota:…:set`
    to `env:…:quota`, and from there to `quota:…:used`. Without one only the vouchers limit
    redemption. Idempotent on `reference`. Raises NotPermitted and what post_transfer raises.
    """
    policy.require_issuer(actor, envelope.issuer, *policy.DECIDERS)
    book = envelope.book
    source = open_account(book=book, code=f"quota:{envelope.pk}:set", floor_fen=None)
    open_account(book=book, code=f"quota:{envelope.pk}:used", floor_fen=None)
    quota = open_account(book=book, code=envelope.account_code("quota"))
    post_transfer(
        reference=reference,
        kind="allow_redemption",
        moves=[Move(source, quota, amount_fen)],
        effective_at=at,
        actor=actor,
    )
    record(
        "envelope.quota_added",
        subject=envelope,
        actor=actor,
        at=at,
        data={"amount_fen": amount_fen, "reference": reference},
    )
    return quota
