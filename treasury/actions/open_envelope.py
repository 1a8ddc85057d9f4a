"""Open an envelope for commitments, or open it again after a freeze."""

from datetime import datetime

from django.db import transaction

from audit.actions.record import record
from audit.decisions import Actor
from treasury import policy
from treasury.models import Envelope
from treasury.moves import move_state


@transaction.atomic
def open_envelope(*, envelope: Envelope, actor: Actor, at: datetime) -> Envelope:
    """appropriated | frozen → open. Raises NotPermitted, StaleState."""
    policy.require_issuer(actor, envelope.issuer, *policy.BUDGET)
    move_state(envelope, to=Envelope.State.OPEN)
    record("envelope.opened", subject=envelope, actor=actor, at=at)
    return envelope
