"""The second phase: post a hold (wholly or in part), void it, or let it expire; exactly once."""

from datetime import datetime

from audit.decisions import Actor
from ledger.actions.post_batch import Move, Resolve
from ledger.actions.post_transfer import post_transfer
from ledger.models import Account, Hold, HoldResolution
from ledger.refusals import HoldResolved, InvalidPosting, ReferenceReused

Outcome = HoldResolution.Outcome


def post_hold(
    *,
    hold: Hold,
    amount_fen: int,
    destination: Account,
    actor: Actor,
    at: datetime,
    remainder_to: Account | None = None,
) -> HoldResolution:
    """Post `amount_fen` of `hold` to `destination`; the rest goes back to where it came from.

    Returns the first resolution when the same amount was posted before. Raises HoldResolved,
    HoldExpired, InvalidPosting. `remainder_to` names another home for the rest, for example a
    lapse account when the voucher's validity has ended meanwhile.
    """
    if amount_fen > hold.amount_fen:
        raise InvalidPosting(field="amount_fen", why="more than the hold holds")
    return _resolve(hold, Outcome.POSTED, amount_fen, destination, remainder_to, actor, at)


def void_hold(
    *, hold: Hold, actor: Actor, at: datetime, remainder_to: Account | None = None
) -> HoldResolution:
    """Give the whole hold back. Raises HoldResolved when it ended otherwise."""
    return _resolve(hold, Outcome.VOIDED, 0, None, remainder_to, actor, at)


def expire_hold(
    *, hold: Hold, actor: Actor, at: datetime, remainder_to: Account | None = None
) -> HoldResolution:
    """Give the whole hold back because its deadline passed. Raises HoldResolved, HoldNotDue."""
    return _resolve(hold, Outcome.EXPIRED, 0, None, remainder_to, actor, at)


def _resolve(
    hold: Hold,
    outcome: HoldResolution.Outcome,
    posted_fen: int,
    destination: Account | None,
    remainder_to: Account | None,
    actor: Actor,
    at: datetime,
) -> HoldResolution:
    back = remainder_to or hold.source
    moves = []
    if destination is not None:
        moves.append(Move(hold.held_in, destination, posted_fen))
    if posted_fen < hold.amount_fen:
        moves.append(Move(hold.held_in, back, hold.amount_fen - posted_fen))
    try:
        transfer = post_transfer(
            reference=f"{hold.reference}:{outcome}",
            kind={"posted": "commit_partial", "voided": "release", "expired": "expire_hold"}[
                outcome
            ],
            moves=moves,
            effective_at=at,
            actor=actor,
            policy_version=hold.placed_by.policy_version,
            resolve=Resolve(hold, outcome, posted_fen, at),
        )
    except ReferenceReused as refusal:  # resolved alike before, perhaps with another remainder
        earlier = HoldResolution.objects.get(hold=hold)
        if (earlier.outcome, earlier.posted_fen) != (outcome, posted_fen):
            raise HoldResolved(outcome=earlier.outcome) from refusal
        return earlier
    return HoldResolution.objects.get(transfer=transfer)
