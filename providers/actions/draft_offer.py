"""Prepare a pool for the market."""

from datetime import datetime

from django.db import transaction

from audit.actions.record import record
from audit.decisions import Actor, Invalid
from providers.models import Offer, Pool
from providers.policy import require_provider
from providers.refusals import NameTaken


@transaction.atomic
def draft_offer(
    *, pool: Pool, actor: Actor, at: datetime, unit: str = "card_hour", sample: bool = False
) -> Offer:
    """Draft the offer of `pool`, sold by `unit`.

    Raises NotPermitted, NotFound, Invalid, NameTaken.
    """
    require_provider(actor, pool.facility.provider_id)
    if unit not in Offer.Unit.values:
        known = ", ".join(Offer.Unit.values)
        raise Invalid("unit", f"one of {known}", f"须为 {known} 之一")
    if Offer.objects.filter(pool=pool).exclude(state="withdrawn").exists():
        raise NameTaken(field="pool", thing="Offer of pool", name=pool.code)
    offer = Offer.objects.create(
        pool=pool, unit=Offer.Unit(unit), sample=sample or pool.sample, drafted_at=at
    )
    record(
        "offer.drafted",
        subject=offer,
        actor=actor,
        at=at,
        data={"pool_id": pool.pk, "unit": unit, "sample": offer.sample},
    )
    return offer
