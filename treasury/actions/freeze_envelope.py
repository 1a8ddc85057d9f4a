"""Stop new commitments for now; what was promised stays promised."""

from datetime import datetime

from django.db import transaction

from audit.actions.record import record
from audit.decisions import Actor
from treasury import policy
from treasury.models import Envelope
from treasury.moves import move_state


@transaction.atomic
def freeze_envelope(*, envelope: Envelope, reason: str, actor: Actor, at: datetime) -> Envelope:
    """open → frozen; waits for commitments under way. Raises NotPermitted, StaleState."""
    policy.require_issuer(actor, envelope.issuer, *policy.BUDGET_APPROVERS)
    move_state(envelope, to=Envelope.State.FROZEN)
    record("envelope.frozen", subject=envelope, actor=actor, at=at, data={"reason": reason})
    return envelope
