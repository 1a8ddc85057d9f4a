"""Two people approve an adjustment, and the money moves."""

from datetime import datetime

from django.db import transaction

from audit.decisions import Actor, StaleState
from ledger.actions.open_account import open_account
from ledger.actions.post_transfer import Move, post_transfer
from ledger.models import Account, Transfer
from ledger.refusals import InsufficientFunds
from treasury import policy
from treasury.actions.propose_adjustment import ENDED
from treasury.models import Adjustment, Envelope
from treasury.proposals import sign, turn_down
from treasury.refusals import CutBelowCommitted


@transaction.atomic
def approve_adjustment(*, adjustment: Adjustment, actor: Actor, at: datetime) -> Adjustment:
    """First signature, then, by another person, the second, which posts it.

    A cut or transfer takes unreleased money first, then what is available, never what is committed.
    Raises NotPermitted, SamePerson, StaleState, CutBelowCommitted.
    """
    ids = [each for each in (adjustment.envelope_id, adjustment.to_envelope_id) if each]
    # The envelopes first and in order, as everywhere: two transactions then never wait in a ring.
    locked = Envelope.objects.select_for_update(no_key=True).filter(pk__in=ids).order_by("pk")
    envelopes = {each.pk: each for each in locked}
    sign(
        adjustment,
        issuer=adjustment.envelope.issuer,
        roles=policy.BUDGET_APPROVERS,
        noun="adjustment",
        facts={
            "kind": adjustment.kind,
            "envelope_id": adjustment.envelope_id,
            "to_envelope_id": adjustment.to_envelope_id,
        },
        post=lambda: _post(adjustment, envelopes, actor, at),
        actor=actor,
        at=at,
    )
    return adjustment


@transaction.atomic
def reject_adjustment(
    *, adjustment: Adjustment, reason: str, actor: Actor, at: datetime
) -> Adjustment:
    """Turn it down; nothing was posted. Raises NotPermitted, StaleState."""
    turn_down(
        adjustment,
        issuer=adjustment.envelope.issuer,
        roles=policy.BUDGET_APPROVERS,
        noun="adjustment",
        reason=reason,
        actor=actor,
        at=at,
    )
    return adjustment


def _post(
    adjustment: Adjustment, envelopes: dict[int, Envelope], actor: Actor, at: datetime
) -> Transfer:
    for each in envelopes.values():
        if each.state in ENDED:
            raise StaleState(
                thing=Envelope._meta.verbose_name_raw, current=each.state, needed="drafted … frozen"
            )
    envelope = envelopes[adjustment.envelope_id]
    if adjustment.kind == Adjustment.Kind.ADD:
        moves = [Move(_fund(adjustment), _entrance(envelope), adjustment.amount_fen)]
    else:
        other = (
            _fund(adjustment)
            if adjustment.to_envelope_id is None
            else _entrance(envelopes[adjustment.to_envelope_id])
        )
        moves = _taken_from(envelope, other, adjustment.amount_fen)
    try:
        return post_transfer(
            reference=f"adjustment:{adjustment.pk}",
            kind={"add": "appropriate", "cut": "cut", "transfer": "transfer_envelope"}[
                adjustment.kind
            ],
            moves=moves,
            effective_at=at,
            actor=actor,
        )
    except InsufficientFunds as refusal:
        raise CutBelowCommitted(
            envelope=envelope.name, amount_fen=adjustment.amount_fen
        ) from refusal


def _taken_from(envelope: Envelope, other: Account, amount_fen: int) -> list[Move]:
    """Moves out of `envelope`: what is not released yet first, then what is available."""
    moves = []
    if envelope.in_tranches:
        unreleased = _entrance(envelope)
        first_fen = min(amount_fen, unreleased.balance_fen)
        if first_fen:
            moves.append(Move(unreleased, other, first_fen))
            amount_fen -= first_fen
    if amount_fen:
        available = open_account(book=envelope.book, code=envelope.account_code("available"))
        moves.append(Move(available, other, amount_fen))
    return moves


def _entrance(envelope: Envelope) -> Account:
    return open_account(book=envelope.book, code=envelope.entrance_code)


def _fund(adjustment: Adjustment) -> Account:
    return open_account(
        book=adjustment.envelope.book,
        code=f"fund:{adjustment.funding_source_id}",
        floor_fen=None,
    )
