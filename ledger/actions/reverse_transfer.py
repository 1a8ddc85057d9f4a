"""Undo a transfer by its opposite; the original stays as it was."""

from datetime import datetime

from audit.decisions import Actor
from ledger.actions.post_transfer import Move, post_transfer
from ledger.models import Transfer


def reverse_transfer(
    *, transfer: Transfer, reference: str, effective_at: datetime, actor: Actor
) -> Transfer:
    """Post the opposite of `transfer`, last posting first. A transfer is reversed at most once.

    Raises InsufficientFunds when the value has moved on, and what post_transfer raises.
    """
    postings = transfer.postings.select_related("source__book", "destination__book").order_by("-pk")
    return post_transfer(
        reference=reference,
        kind=f"reverse_{transfer.kind}",
        moves=[Move(each.destination, each.source, each.amount_fen) for each in postings],
        effective_at=effective_at,
        actor=actor,
        policy_version=transfer.policy_version,
        reverses=transfer,
    )
