"""The two signatures under a Proposal, the same for every kind of it."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from audit.actions.record import record
from audit.decisions import Actor, Invalid
from identity.models import Organization
from identity.roles import Role
from ledger.models import Transfer
from ledger.money import is_amount
from treasury import policy
from treasury.models import Proposal
from treasury.moves import move_state


def require_amount(amount_fen: int) -> None:
    """Raise Invalid unless `amount_fen` is a positive whole number of fen."""
    if not is_amount(amount_fen):
        raise Invalid("amount_fen", "a positive whole number of fen", "须为正整数（分）")


def sign(
    proposal: Proposal,
    *,
    issuer: Organization,
    roles: tuple[Role, ...],
    noun: str,
    facts: Mapping[str, Any],
    post: Callable[[], Transfer],
    actor: Actor,
    at: datetime,
) -> bool:
    """First signature: proposed → half_approved. Second, by another: `post`, then → approved.

    Records `{noun}.half_approved` or `{noun}.approved` with `facts`; True when it was the second.
    Raises NotPermitted, NotFound, SamePerson (also for who proposed it), StaleState, and what
    `post` raises.
    """
    policy.require_issuer(actor, issuer, *roles)
    policy.require_another_person(
        actor,
        proposal.proposed_by_id,
        proposal.approved_by_1_id,
        first="propose or approve this",
        second="approve it again",
        first_zh="提出或批准",
        second_zh="再次批准",
    )
    facts = {**facts, "amount_fen": proposal.amount_fen, "proposed_by": proposal.proposed_by_id}
    if proposal.state != Proposal.State.HALF_APPROVED:
        move_state(proposal, to=Proposal.State.HALF_APPROVED, approved_by_1_id=actor.person_id)
        record(f"{noun}.half_approved", subject=proposal, actor=actor, at=at, data=facts)
        return False
    transfer = post()
    move_state(
        proposal,
        to=Proposal.State.APPROVED,
        approved_by_2_id=actor.person_id,
        approved_at=at,
        transfer=transfer,
    )
    record(
        f"{noun}.approved",
        subject=proposal,
        actor=actor,
        at=at,
        data={**facts, "approved_by_1": proposal.approved_by_1_id, "transfer": transfer.reference},
    )
    return True


def turn_down(
    proposal: Proposal,
    *,
    issuer: Organization,
    roles: tuple[Role, ...],
    noun: str,
    reason: str,
    actor: Actor,
    at: datetime,
) -> None:
    """proposed | half_approved → rejected. Raises NotPermitted, NotFound, StaleState."""
    policy.require_issuer(actor, issuer, *roles)
    move_state(proposal, to=Proposal.State.REJECTED)
    record(f"{noun}.rejected", subject=proposal, actor=actor, at=at, data={"reason": reason})
