"""Set value aside: the first phase of a two-phase transfer."""

from datetime import datetime

from audit.decisions import Actor
from ledger.actions.post_batch import Move, SetAside
from ledger.actions.post_transfer import post_transfer
from ledger.models import Account, Hold


def place_hold(
    *,
    reference: str,
    source: Account,
    held_in: Account,
    amount_fen: int,
    deadline_at: datetime,
    actor: Actor,
    at: datetime,
    policy_version: str | None = None,
) -> Hold:
    """Move `amount_fen` from `source` into `held_in` until posted, voided or `deadline_at`.

    Idempotent on `reference`. Raises what post_transfer raises.
    """
    placed_by = post_transfer(
        reference=f"{reference}:reserve",
        kind="reserve",
        moves=[Move(source, held_in, amount_fen)],
        effective_at=at,
        actor=actor,
        policy_version=policy_version,
        set_aside=SetAside(reference, deadline_at),
    )
    return Hold.objects.get(placed_by=placed_by)
