"""Turn an appropriation down; nothing was posted, nothing moves."""

from datetime import datetime

from django.db import transaction

from audit.actions.record import record
from audit.decisions import Actor
from treasury import policy
from treasury.models import Appropriation
from treasury.moves import move_state


@transaction.atomic
def reject_appropriation(
    *, appropriation: Appropriation, reason: str, actor: Actor, at: datetime
) -> Appropriation:
    """Reject a proposed appropriation. Raises NotPermitted, StaleState."""
    policy.require_issuer(actor, appropriation.envelope.issuer, *policy.BUDGET_APPROVERS)
    move_state(appropriation, to=Appropriation.State.REJECTED)
    record(
        "appropriation.rejected",
        subject=appropriation,
        actor=actor,
        at=at,
        data={"reason": reason},
    )
    return appropriation
