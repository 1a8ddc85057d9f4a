"""Post a transfer: all of its postings or none, once for its reference."""

from collections.abc import Sequence
from datetime import datetime

from audit.decisions import Actor
from ledger.actions.post_batch import Answer, Asked, Move, Resolve, SetAside, post_batch
from ledger.models import Transfer
from ledger.refusals import (
    AlreadyReversed,
    BookClosed,
    HoldExpired,
    HoldNotDue,
    HoldResolved,
    InsufficientFunds,
    InvalidPosting,
    PeriodClosed,
    ReferenceReused,
)

__all__ = ["Move", "post_transfer"]


def post_transfer(
    *,
    reference: str,
    kind: str,
    moves: Sequence[Move],
    effective_at: datetime,
    actor: Actor,
    policy_version: str | None = None,
    reverses: Transfer | None = None,
    set_aside: SetAside | None = None,
    resolve: Resolve | None = None,
) -> Transfer:
    """Post `moves` as one transfer and return it; the same reference and body returns the first.

    Raises InvalidPosting, InsufficientFunds, BookClosed, PeriodClosed, AlreadyReversed, with
    `resolve` HoldResolved, HoldExpired or HoldNotDue, or ReferenceReused when the reference
    carried another body. Nothing is left behind by a refusal.
    """
    asked = Asked(
        reference, kind, moves, effective_at, actor, policy_version, reverses, set_aside, resolve
    )
    (answer,) = post_batch([asked])
    if answer.outcome not in ("posted", "replayed"):
        raise refusal_of(answer, asked)
    assert answer.transfer_id is not None
    return Transfer.objects.select_related("book").get(pk=answer.transfer_id)


def refusal_of(answer: Answer, asked: Asked) -> Exception:
    """The refusal that `answer` to `asked` stands for."""
    match answer.outcome:
        case "conflict":
            return ReferenceReused(reference=answer.reference)
        case "insufficient":
            out_fen = sum(m.amount_fen for m in asked.moves if m.source.code == answer.detail)
            return InsufficientFunds(account=answer.detail, amount_fen=out_fen)
        case "closed" if answer.detail == "period":
            return PeriodClosed(book=str(asked.moves[0].source.book))
        case "closed":
            return BookClosed(book=str(asked.moves[0].source.book))
        case "reversed":
            return AlreadyReversed(reference=answer.detail)
        case "hold_resolved":
            return HoldResolved(outcome=answer.detail)
        case "hold_expired":
            return HoldExpired(deadline=answer.detail)
        case "hold_not_due":
            return HoldNotDue(deadline=answer.detail)
    return InvalidPosting(why=answer.detail)
