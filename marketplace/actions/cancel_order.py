"""An order whose job failed ends: the voucher's hold goes back, nothing is charged."""

from datetime import datetime

from django.db import transaction

from audit.actions.record import record
from audit.decisions import Actor
from marketplace.models import Order
from scheduling.actions.release_allocation import release_allocation
from vouchers.actions.commit_redemption import release_redemption


@transaction.atomic
def cancel_order(*, order: Order, actor: Actor, at: datetime, reason: str) -> Order:
    """Release hold and capacity of a placed order; one that ended stays as it is."""
    order = Order.objects.select_for_update().get(pk=order.pk)
    if order.state != Order.State.PLACED:
        return order
    if order.redemption is not None and order.redemption.state == "reserved":
        release_redemption(redemption=order.redemption, actor=actor, at=at)
    release_allocation(allocation=order.allocation, actor=actor, at=at, reason=reason)
    order.state = Order.State.CANCELLED
    order.save(update_fields=["state"])
    record("order.cancelled", subject=order, actor=actor, at=at, data={"reason": reason})
    return order
