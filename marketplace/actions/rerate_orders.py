"""Rate again what rested on a rating that was revoked."""

from datetime import datetime

from django.db import transaction

from audit.actions.record import record
from audit.decisions import Actor
from audit.models import AuditEvent
from marketplace.models import Order
from providers.models import GreenRating
from providers.queries import rating_at


@transaction.atomic
def rerate_orders(*, rating: GreenRating, actor: Actor, at: datetime) -> int:
    """Rate again every order placed on or after `rating.revoked_from` whose placement saw `rating`.

    Orders before the date stand. Returns how many were rated again.
    """
    if rating.revoked_from is None:
        return 0
    since = Order.objects.filter(placement__rating=rating, placed_at__gte=rating.revoked_from)
    keys = since.order_by("pk").values_list("pk", flat=True)
    return sum(rerate_order(order_id=key, actor=actor, at=at) for key in list(keys))


@transaction.atomic
def rerate_order(*, order_id: int, actor: Actor, at: datetime) -> bool:
    """Record, once, the rating that held when the order was placed (none = unrated), if the one its
    placement saw is revoked from then; and the voucher's part of it.

    The placement keeps the rating it saw. Nothing is taken back by this: a recovery is opened by a
    person, for fraud only.
    """
    order = (
        Order.objects.select_for_update(of=("self",), no_key=True)
        .select_related("placement__rating__facility")
        .get(pk=order_id)
    )
    seen = order.placement.rating
    if seen is None or seen.revoked_from is None or order.placed_at < seen.revoked_from:
        return False
    if AuditEvent.objects.filter(
        kind="order.rerated", subject_type=Order._meta.label_lower, subject_id=str(order.pk)
    ).exists():
        return False
    now = rating_at(seen.facility, order.placed_at)
    record(
        "order.rerated",
        subject=order,
        actor=actor,
        at=at,
        data={
            "rating_seen": seen.pk,
            "tier_seen": seen.green_tier,
            "rating_now": None if now is None else now.pk,
            "tier_now": None if now is None else now.green_tier,
            "voucher_fen": order.voucher_fen,
            "revoked_from": seen.revoked_from,
        },
    )
    return True
