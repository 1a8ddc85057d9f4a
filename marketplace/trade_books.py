"""What an organization traded in a period, read from orders, charges, refunds and payments.

A platform trades what it handed over and ran; a provider trades what it sold. Nobody types it.
"""

from collections.abc import Iterable
from datetime import date, datetime

from django.db.models import Q, QuerySet

from identity.models import Organization
from identity.related_parties import Ties, ties_among
from marketplace.models import Order, Refund
from vouchers.queries import SHANGHAI
from vouchers.rules.award_basis import Basis, Trade, weigh

PAID = ("paid", "offset")


def gather_basis(
    *, beneficiary: Organization, fact: str, period_start: date, period_end: date, at: datetime
) -> Basis:
    """The basis `fact` of `beneficiary` in [period_start, period_end), as the books have it at
    `at`; every row judged. A fixed number of queries. Raises ValueError for a basis that the books
    do not tell.

    A charge counts on the civil day it was charged (Shanghai), a cancelled order on the day it was
    placed. Whoever is found to be related later was related since the affiliation's own date.
    """
    orders = [
        order
        for order in _orders_of(beneficiary)
        if period_start <= (day := _day_of(order)) < period_end and day <= _day(at)
    ]
    ties = ties_among(
        {beneficiary, *(each.enterprise for each in orders), *(each.provider for each in orders)}
    )
    refunded = _refunded_fen(orders)
    return weigh(
        [_trade(order, beneficiary, ties, refunded) for order in orders],
        fact=fact,
        beneficiary=beneficiary.uscc,
        period_start=period_start,
        period_end=period_end,
        known_at=at,
    )


def _orders_of(beneficiary: Organization) -> QuerySet[Order]:
    return (
        Order.objects.filter(
            Q(allocation__job__platform__operator=beneficiary) | Q(provider=beneficiary)
        )
        .exclude(state="placed")
        .select_related(
            "enterprise", "provider", "charge__payment", "redemption__payable", "placement"
        )
        .order_by("pk")
    )


def _refunded_fen(orders: Iterable[Order]) -> dict[int, int]:
    found: dict[int, int] = {}
    rows = Refund.objects.filter(charge__order__in=[order.pk for order in orders])
    for order_id, total_fen in rows.values_list("charge__order_id", "total_fen"):
        found[order_id] = found.get(order_id, 0) + total_fen
    return found


def _trade(order: Order, beneficiary: Organization, ties: Ties, refunded: dict[int, int]) -> Trade:
    day = _day_of(order)
    charge = getattr(order, "charge", None)
    return Trade(
        order=order.pk,
        on=day,
        buyer=order.enterprise.uscc,
        seller=order.provider.uscc,
        total_fen=order.price_fen if charge is None else charge.total_fen,
        refunded_fen=refunded.get(order.pk, 0),
        settled_fen=_settled_fen(order),
        cancelled=charge is None,
        ties=_ties_of(order, beneficiary, ties, day),
    )


def _ties_of(order: Order, beneficiary: Organization, ties: Ties, on: date) -> tuple[str, ...]:
    buyer = order.enterprise_id
    parties = (("seller", order.provider_id), ("beneficiary", beneficiary.pk))
    return tuple(
        f"buyer-{role}:{tie}"
        for role, party in parties
        for tie in ties.between(buyer, party, on=on)
    )


def _settled_fen(order: Order) -> int:
    """What was really paid: the enterprise's part by the gateway, the voucher's by the bank."""
    charge = getattr(order, "charge", None)
    if charge is None:
        return 0
    payment = getattr(charge, "payment", None)
    own_fen = charge.own_fen if payment is not None and payment.state == "succeeded" else 0
    redemption = order.redemption
    payable = redemption.payable if redemption is not None else None
    paid = redemption is not None and payable is not None and payable.state in PAID
    return own_fen + (redemption.kept_fen if redemption is not None and paid else 0)


def _day(instant: datetime) -> date:
    return instant.astimezone(SHANGHAI).date()


def _day_of(order: Order) -> date:
    charge = getattr(order, "charge", None)
    return _day(order.placed_at if charge is None else charge.charged_at)
