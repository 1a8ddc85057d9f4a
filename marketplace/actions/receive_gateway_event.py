"""The payment gateway tells us something: store it by its id, handle it once."""

from datetime import datetime

from django.db import IntegrityError, transaction

from audit.actions.record import record
from audit.decisions import SYSTEM
from marketplace.actions.send_refund import note_refund
from marketplace.gateway_contract import GatewayEvent as VerifiedEvent
from marketplace.models import GatewayEvent, Payment, Refund

STATES = {
    "payment_intent.succeeded": Payment.State.SUCCEEDED,
    "payment_intent.payment_failed": Payment.State.FAILED,
}


@transaction.atomic
def receive_gateway_event(*, event: VerifiedEvent, at: datetime) -> bool:
    """Store a verified event and move its payment. Returns False for one stored before.

    A success is final: a failure that arrives after it, out of order, changes nothing. The amount
    received must be the amount asked, in CNY; otherwise the payment fails with that reason.
    """
    try:
        with transaction.atomic():
            GatewayEvent.objects.create(
                event_id=event.id, type=event.type, body=dict(event.payload), received_at=at
            )
    except IntegrityError:
        return False
    if event.payload.get("object") == "refund":
        _move_refund(event, at)
        return True
    state = STATES.get(event.type)
    payment = Payment.objects.select_for_update().filter(intent_id=event.object_id).first()
    if state is None or payment is None or payment.state in (Payment.State.SUCCEEDED, state):
        return True
    received = (event.payload.get("amount_received"), event.payload.get("currency"))
    if state == Payment.State.SUCCEEDED and received != (payment.amount_fen, "cny"):
        state = Payment.State.FAILED
        payment.failure = f"received {received[0]} {received[1]}, not {payment.amount_fen} cny"
    elif state == Payment.State.SUCCEEDED:
        payment.failure = ""
    payment.state = state
    payment.succeeded_at = at if state == Payment.State.SUCCEEDED else None
    payment.save(update_fields=["state", "failure", "succeeded_at"])
    record(
        f"payment.{state}",
        subject=payment,
        actor=SYSTEM,
        at=at,
        data={"event_id": event.id, "amount_fen": payment.amount_fen},
    )
    return True


def _move_refund(event: VerifiedEvent, at: datetime) -> None:
    """`refund.updated` and `refund.failed` speak of refunds that were pending when asked for."""
    refund = Refund.objects.filter(gateway_refund_id=event.object_id).first()
    if refund is None or event.payload.get("amount") != refund.own_fen:
        return
    note_refund(
        refund=refund,
        status=str(event.payload.get("status")),
        gateway_id=event.object_id,
        why=str(event.payload.get("failure_reason") or ""),
        actor=SYSTEM,
        at=at,
    )
