"""The enterprise pays its own part through the payment gateway."""

from datetime import datetime

from django.db import transaction

from audit.actions.record import record
from audit.decisions import Actor
from audit.models import AuditEvent
from identity.policy import require_role
from identity.roles import Role
from marketplace import stripe_gateway
from marketplace.gateway_config import gateway_config
from marketplace.gateway_contract import GatewayUnavailable, PaymentDeclined
from marketplace.models import Payment
from marketplace.refusals import GatewayDown, PaymentRefused


def pay_charge(*, payment: Payment, payment_method: str, actor: Actor, at: datetime) -> Payment:
    """Create and confirm the payment's intent; the gateway's webhook says when it succeeded.

    Repeating it never charges twice: the gateway gets the same idempotency key. Raises
    PaymentRefused and GatewayDown; a succeeded payment is returned unchanged.
    """
    require_role(actor, Role.ENTERPRISE_APPLICANT, Role.ENTERPRISE_APPROVER)
    if payment.state == Payment.State.SUCCEEDED:
        return payment
    try:
        intent = _confirmed_intent(payment, payment_method)
    except PaymentDeclined as error:
        _note(payment, Payment.State.FAILED, error.payment_intent_id, str(error), actor, at)
        raise PaymentRefused(reason=str(error)) from error
    except GatewayUnavailable as error:
        raise GatewayDown() from error
    except stripe_gateway.GatewayRefused as error:
        raise PaymentRefused(reason=str(error)) from error
    return _note(payment, Payment.State.PROCESSING, intent.id, "", actor, at)


def _confirmed_intent(payment: Payment, payment_method: str) -> stripe_gateway.PaymentIntent:
    config = gateway_config()
    intent_id = payment.intent_id
    if intent_id is None:
        intent_id = stripe_gateway.create_payment_intent(
            config,
            amount_fen=payment.amount_fen,
            idempotency_key=f"payment-{payment.pk}-{payment.charge.charged_at.timestamp():.0f}",
            metadata={"payment_id": str(payment.pk)},
        ).id
        Payment.objects.filter(pk=payment.pk).update(intent_id=intent_id)
    return stripe_gateway.confirm_payment_intent(
        config,
        intent_id,
        # A new try after a decline is a new request; a repeat after a lost answer is the same one.
        idempotency_key=f"confirm-{intent_id}-{payment_method}-{_declines(payment)}",
        payment_method=payment_method,
    )


def _declines(payment: Payment) -> int:
    return AuditEvent.objects.filter(
        kind="payment.failed", subject_type="marketplace.payment", subject_id=str(payment.pk)
    ).count()


@transaction.atomic
def _note(
    payment: Payment, state: str, intent_id: str | None, failure: str, actor: Actor, at: datetime
) -> Payment:
    """Write down how it stands, unless the webhook was faster."""
    row = Payment.objects.select_for_update().get(pk=payment.pk)
    if row.state in (Payment.State.SUCCEEDED, state):
        return row
    row.state, row.failure = state, failure
    row.intent_id = row.intent_id or intent_id
    row.save(update_fields=["state", "failure", "intent_id"])
    record(f"payment.{state}", subject=row, actor=actor, at=at, data={"intent_id": row.intent_id})
    return row
