"""Rate again what rested on a rating that was revoked."""

from datetime import datetime

from django.db import transaction

from audit.actions.record import record
from audit.decisions import Actor
from marketplace.models import Order
from providers.models import GreenRating
from providers.queries import rating_at


@transaction.atomic
def rerate_orders(*, rating: GreenRating, actor: Actor, at: datetime) -> int:
    """For every order placed on or after `rating.revoked_from` whose placement saw `rating`, record
    the rating that holds for that moment now (none = unrated), and the voucher's part of it.

    The placement keeps the rating it saw, and orders before the date stand. Nothing is taken back
    by this: a recovery is opened by a person, for fraud only. Returns how many were rated again.
    """
    if rating.revoked_from is None:
        return 0
    since = Order.objects.filter(
        placement__rating=rating, placed_at__gte=rating.revoked_from
    ).order_by("pk")
    count = 0
    for order in since.select_related("placement").iterator(chunk_size=500):
        now = rating_at(rating.facility, order.placed_at)
        record(
            "order.rerated",
            subject=order,
            actor=actor,
            at=at,
            data={
                "rating_seen": rating.pk,
                "tier_seen": rating.green_tier,
                "rating_now": None if now is None else now.pk,
                "tier_now": None if now is None else now.green_tier,
                "voucher_fen": order.voucher_fen,
                "revoked_from": rating.revoked_from,
            },
        )
        count += 1
    return count
