"""The enterprise's own part of a refund goes back through the gateway."""

from datetime import datetime

from django.db import transaction

from audit.actions.record import record
from audit.decisions import Actor
from marketplace import stripe_gateway
from marketplace.gateway_config import gateway_config
from marketplace.gateway_contract import GatewayUnavailable
from marketplace.models import Payment, Refund
from marketplace.refusals import GatewayDown

STATES = {
    "succeeded": Refund.State.SUCCEEDED,
    "failed": Refund.State.FAILED,
    "canceled": Refund.State.FAILED,
}


def send_refund(*, refund: Refund, actor: Actor, at: datetime) -> Refund:
    """Ask the gateway once: a repeat carries the same idempotency key and takes effect once.

    Raises GatewayDown, after which it is safe to call again; what the gateway refuses is noted.
    """
    if refund.state == Refund.State.SUCCEEDED or not refund.own_fen:
        return refund
    payment = Payment.objects.get(charge=refund.charge_id)
    try:
        answer = stripe_gateway.refund_payment_intent(
            gateway_config(),
            payment.intent_id or "",
            idempotency_key=f"refund-{refund.pk}-{refund.granted_at.timestamp():.0f}",
            amount_fen=refund.own_fen,
            metadata={"refund_id": str(refund.pk)},
        )
    except GatewayUnavailable as error:
        raise GatewayDown() from error
    except stripe_gateway.GatewayRefused as error:
        return note_refund(
            refund=refund, status="failed", gateway_id=None, why=str(error), actor=actor, at=at
        )
    return note_refund(
        refund=refund, status=answer.status, gateway_id=answer.id, why="", actor=actor, at=at
    )


@transaction.atomic
def note_refund(
    *,
    refund: Refund,
    status: str,
    gateway_id: str | None,
    why: str,
    actor: Actor,
    at: datetime,
) -> Refund:
    """Write down the gateway's word (`status` is Stripe's); a success is final."""
    row = Refund.objects.select_for_update().get(pk=refund.pk)
    row.gateway_refund_id = row.gateway_refund_id or gateway_id
    state = STATES.get(status, Refund.State.REQUESTED)
    moved = row.state != Refund.State.SUCCEEDED and state not in (row.state, "requested")
    if moved:
        row.state, row.failure = state, why
    row.save(update_fields=["gateway_refund_id", "state", "failure"])
    if moved:
        data = {"gateway_refund_id": row.gateway_refund_id, "own_fen": row.own_fen, "why": why}
        record(f"refund.{state}", subject=row, actor=actor, at=at, data=data)
    return row
