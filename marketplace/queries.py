"""What the storefront shows: orders, charges, payments and clearing one may see."""

from django.db.models import Q, QuerySet, Sum

from audit.decisions import Actor
from identity.policy import sees_everything
from identity.roles import GOVERNMENT_ROLES
from marketplace.models import Charge, ClearingRun, Order, Payment, Refund


def visible_orders(actor: Actor) -> QuerySet[Order]:
    """Its own for an enterprise, those it received for a provider, all for an auditor."""
    rows = Order.objects.select_related("enterprise", "provider", "voucher", "redemption")
    if sees_everything(actor):
        return rows
    mine = actor.organization_id
    return rows.filter(Q(enterprise_id=mine) | Q(provider_id=mine))


def visible_charges(actor: Actor) -> QuerySet[Charge]:
    """As with orders."""
    rows = Charge.objects.select_related("order", "payment")
    if sees_everything(actor):
        return rows
    mine = actor.organization_id
    return rows.filter(Q(order__enterprise_id=mine) | Q(order__provider_id=mine))


def visible_payments(actor: Actor) -> QuerySet[Payment]:
    """Payments are the enterprise's own; providers see them on their charges."""
    rows = Payment.objects.select_related("charge__order")
    if sees_everything(actor):
        return rows
    return rows.filter(charge__order__enterprise_id=actor.organization_id)


def visible_refunds(actor: Actor) -> QuerySet[Refund]:
    """As with charges."""
    rows = Refund.objects.select_related("charge__order")
    if sees_everything(actor):
        return rows
    mine = actor.organization_id
    return rows.filter(Q(charge__order__enterprise_id=mine) | Q(charge__order__provider_id=mine))


def visible_clearing_runs(actor: Actor) -> QuerySet[ClearingRun]:
    """The issuer's own runs for its officers; all for an auditor."""
    rows = ClearingRun.objects.prefetch_related("lines").annotate(
        government_fen=Sum("lines__government_fen"), enterprise_fen=Sum("lines__enterprise_fen")
    )
    if sees_everything(actor):
        return rows
    if actor.has(*GOVERNMENT_ROLES):
        return rows.filter(issuer_id=actor.organization_id)
    return rows.none()
