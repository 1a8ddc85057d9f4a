"""End a budget: first no new commitments, then what is left lapses and the envelope is closed."""

from datetime import datetime

from django.db import transaction

from audit.actions.record import record
from audit.decisions import Actor, StaleState
from ledger.actions.open_account import open_account
from ledger.actions.post_transfer import Move, post_transfer
from treasury import policy
from treasury.models import Envelope
from treasury.moves import move_state


@transaction.atomic
def begin_closing(*, envelope: Envelope, actor: Actor, at: datetime) -> Envelope:
    """open | frozen → closing. Raises NotPermitted, StaleState."""
    policy.require_issuer(actor, envelope.issuer, *policy.BUDGET)
    move_state(envelope, to=Envelope.State.CLOSING)
    record("envelope.closing", subject=envelope, actor=actor, at=at)
    return envelope


@transaction.atomic
def close_envelope(*, envelope: Envelope, actor: Actor, at: datetime) -> Envelope:
    """closing → closed; uncommitted value goes to the envelope's lapse account.

    Raises NotPermitted, StaleState (also while something is still committed).
    """
    policy.require_issuer(actor, envelope.issuer, *policy.BUDGET)
    Envelope.objects.select_for_update(no_key=True).get(pk=envelope.pk)
    committed = open_account(book=envelope.book, code=envelope.account_code("committed"))
    if committed.balance_fen:
        raise StaleState(
            thing=Envelope._meta.verbose_name,
            current=f"committed {committed.balance_fen} fen",
            needed="committed 0",
        )
    move_state(envelope, to=Envelope.State.CLOSED)
    available = open_account(book=envelope.book, code=envelope.account_code("available"))
    if available.balance_fen:
        lapse = open_account(book=envelope.book, code=envelope.lapse_code)
        post_transfer(
            reference=f"envelope:{envelope.pk}:lapse",
            kind="lapse",
            moves=[Move(available, lapse, available.balance_fen)],
            effective_at=at,
            actor=actor,
        )
    record(
        "envelope.closed",
        subject=envelope,
        actor=actor,
        at=at,
        data={"lapsed_fen": available.balance_fen},
    )
    return envelope
