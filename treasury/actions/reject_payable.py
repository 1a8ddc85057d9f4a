"""Turn a payable down before it is owed; its value stays where it was."""

from datetime import datetime

from django.db import transaction

from audit.actions.record import record
from audit.decisions import Actor
from treasury import policy
from treasury.models import Payable
from treasury.moves import move_state


@transaction.atomic
def reject_payable(*, payable: Payable, reason: str, actor: Actor, at: datetime) -> Payable:
    """proposed | half_approved → rejected. Raises NotPermitted, StaleState."""
    policy.require_issuer(actor, payable.issuer, *policy.PAYABLE_APPROVERS)
    move_state(payable, to=Payable.State.REJECTED)
    record(
        "payable.rejected",
        subject=payable,
        actor=actor,
        at=at,
        data={"reference": payable.reference, "kind": payable.kind, "reason": reason},
    )
    return payable
