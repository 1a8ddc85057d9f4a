"""Give an offer a price from an instant on."""

from datetime import datetime

from django.db import transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from audit.actions.record import record
from audit.decisions import Actor, Invalid, StaleState
from providers.models import Offer, PriceVersion
from providers.policy import require_provider
from providers.refusals import PriceInThePast, PricesOverlap


@transaction.atomic
def set_price(
    *,
    offer: Offer,
    price_fen_per_unit_hour: int,
    starts_at: datetime,
    actor: Actor,
    at: datetime,
    ends_at: datetime | None = None,
    currency: str = "CNY",
) -> PriceVersion:
    """Add a price for [starts_at, ends_at); a running open-ended price ends where this one starts.

    Nothing already offered changes. Raises NotPermitted, NotFound, Invalid, PriceInThePast,
    PricesOverlap, StaleState for a withdrawn offer.
    """
    require_provider(actor, offer.pool.facility.provider_id)
    if currency != "CNY":
        raise Invalid("currency", "must be CNY", "币种须为 CNY")
    if not 0 <= price_fen_per_unit_hour < 2**40:
        raise Invalid("price_fen_per_unit_hour", "must not be negative", "价格不得为负")
    if ends_at is not None and ends_at <= starts_at:
        raise Invalid("ends_at", "is before starts_at", "早于 starts_at")
    if starts_at < at:
        raise PriceInThePast(field="starts_at", starts_at=starts_at.isoformat())
    offer = Offer.objects.select_for_update().get(pk=offer.pk)
    if offer.state == Offer.State.WITHDRAWN:
        raise StaleState(thing="offer", current=offer.state, needed="draft, listed or paused")
    running = offer.prices.filter(
        valid__startswith__lt=starts_at, valid__endswith__isnull=True
    ).first()
    if running is not None:
        running.valid = DateTimeTZRange(running.valid.lower, starts_at)
        running.save(update_fields=["valid"])
    period = DateTimeTZRange(starts_at, ends_at)
    if offer.prices.filter(valid__overlap=period).exists():
        raise PricesOverlap(field="starts_at", starts_at=starts_at.isoformat())
    price = PriceVersion.objects.create(
        offer=offer,
        price_fen_per_unit_hour=price_fen_per_unit_hour,
        currency=currency,
        valid=period,
        recorded_at=at,
        person_id=actor.person_id,
    )
    record(
        "price.set",
        subject=price,
        actor=actor,
        at=at,
        data={
            "offer_id": offer.pk,
            "price_fen_per_unit_hour": price_fen_per_unit_hour,
            "currency": currency,
            "starts_at": starts_at,
            "ends_at": ends_at,
        },
    )
    return price
