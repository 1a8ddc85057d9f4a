"""Put an offer on the market."""

from datetime import datetime

from django.db import transaction
from django.db.models import Q

from audit.decisions import Actor
from providers.actions.move_offer import move_offer
from providers.models import Offer
from providers.policy import require_provider
from providers.refusals import OfferHasNoPrice


@transaction.atomic
def list_offer(*, offer: Offer, actor: Actor, at: datetime) -> Offer:
    """draft or paused → listed. Raises NotPermitted, NotFound, OfferHasNoPrice, StaleState."""
    require_provider(actor, offer.pool.facility.provider_id)
    priced = Q(valid__endswith__isnull=True) | Q(valid__endswith__gt=at)
    if not offer.prices.filter(priced).exists():
        raise OfferHasNoPrice(pool=offer.pool.code)
    return move_offer(offer=offer, to=Offer.State.LISTED, actor=actor, at=at)
