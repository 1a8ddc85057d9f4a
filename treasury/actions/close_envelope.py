"""End a budget: first no new commitments, then what is left lapses and the envelope is closed."""

from datetime import datetime

from django.db import transaction

from audit.actions.record import record
from audit.decisions import Actor, StaleState
from ledger.actions.open_account import open_account
from ledger.actions.post_transfer import Move, post_transfer
from ledger.models import Account
from treasury import policy
from treasury.models import SUSPENSE_CODE, Envelope
from treasury.moves import move_state
from treasury.refusals import SuspenseNotEmpty


@transaction.atomic
def begin_closing(*, envelope: Envelope, actor: Actor, at: datetime) -> Envelope:
    """open | frozen → closing. Raises NotPermitted, StaleState."""
    policy.require_issuer(actor, envelope.issuer, *policy.BUDGET)
    move_state(envelope, to=Envelope.State.CLOSING)
    record("envelope.closing", subject=envelope, actor=actor, at=at)
    return envelope


@transaction.atomic
def close_envelope(*, envelope: Envelope, actor: Actor, at: datetime) -> Envelope:
    """closing → closed; what is not committed goes to the lapse account of its own year.

    Raises NotPermitted, SuspenseNotEmpty, StaleState (also while something is committed).
    """
    policy.require_issuer(actor, envelope.issuer, *policy.BUDGET)
    return lapse_and_close(envelope=envelope, actor=actor, at=at)


@transaction.atomic
def lapse_and_close(*, envelope: Envelope, actor: Actor, at: datetime) -> Envelope:
    """What close_envelope does, for who may do it: an officer, or the end of the year."""
    Envelope.objects.select_for_update(no_key=True).get(pk=envelope.pk)
    committed = open_account(book=envelope.book, code=envelope.account_code("committed"))
    if committed.balance_fen:
        raise StaleState(
            thing=Envelope._meta.verbose_name_raw,
            current=f"promised {committed.balance_fen} fen",
            needed="promised 0",
        )
    suspense = Account.objects.filter(book=envelope.book, code=SUSPENSE_CODE).first()
    if suspense is not None and suspense.balance_fen:
        raise SuspenseNotEmpty(amount_fen=suspense.balance_fen, book=str(envelope.book))
    move_state(envelope, to=Envelope.State.CLOSED)
    left = [
        open_account(book=envelope.book, code=envelope.account_code(part))
        for part in (("unreleased", "available") if envelope.in_tranches else ("available",))
    ]
    lapse = open_account(book=envelope.book, code=envelope.lapse_code)
    moves = [Move(each, lapse, each.balance_fen) for each in left if each.balance_fen]
    if moves:
        post_transfer(
            reference=f"envelope:{envelope.pk}:lapse",
            kind="lapse",
            moves=moves,
            effective_at=at,
            actor=actor,
        )
    record(
        "envelope.closed",
        subject=envelope,
        actor=actor,
        at=at,
        data={"lapsed_fen": sum(move.amount_fen for move in moves)},
    )
    return envelope
