"""Vouchers whose validity ended expire; what is left lapses to the envelope they came from."""

from datetime import datetime

from django.db import transaction

from audit.actions.record import record
from audit.decisions import Actor
from ledger.actions.open_account import open_account
from ledger.actions.post_batch import lock_accounts
from ledger.actions.post_transfer import Move, post_transfer
from treasury.moves import move_state
from vouchers.models import Voucher

CHUNK = 500


def lapse_due_vouchers(*, actor: Actor, at: datetime) -> int:
    """Expire what is due at `at`, each voucher in its own transaction; returns how many.

    Open holds stay: they were made in time and are honored. Nothing depends on when this runs,
    because every use of a voucher checks the instant itself.
    """
    due = Voucher.objects.filter(
        state__in=["issued", "claimed", "suspended"], valid_until__lte=at
    ).order_by("valid_until", "pk")
    ids = list(due.values_list("pk", flat=True)[:CHUNK])
    for pk in ids:
        lapse_voucher(voucher_id=pk, actor=actor, at=at)
    return len(ids)


@transaction.atomic
def lapse_voucher(*, voucher_id: int, actor: Actor, at: datetime) -> Voucher:
    """Expire one voucher and post its available value to the lapse account of its envelope."""
    voucher = (
        Voucher.objects.select_for_update(of=("self",), no_key=True)
        .select_related("envelope__book", "version__programme", "available")
        .get(pk=voucher_id)
    )
    if voucher.state in (Voucher.State.EXPIRED, Voucher.State.VOIDED) or at < voucher.valid_until:
        return voucher
    available = voucher.available
    assert available is not None
    left_fen = lock_accounts([available])[available.pk]
    if left_fen:
        post_transfer(
            reference=f"voucher:{voucher.pk}:lapse",
            kind="lapse",
            moves=[
                Move(
                    available,
                    open_account(book=voucher.envelope.book, code=voucher.envelope.lapse_code),
                    left_fen,
                )
            ],
            effective_at=at,
            actor=actor,
            policy_version=voucher.version.label,
        )
    move_state(voucher, to="expired")
    record("voucher.expired", subject=voucher, actor=actor, at=at, data={"lapsed_fen": left_fen})
    return voucher
