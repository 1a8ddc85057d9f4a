"""Move an offer along its drawn lines."""

from datetime import datetime

from django.db import transaction

from audit.actions.record import record
from audit.decisions import Actor, StaleState
from providers.models import Offer
from providers.policy import require_provider


@transaction.atomic
def move_offer(*, offer: Offer, to: str, actor: Actor, at: datetime) -> Offer:
    """Bring `offer` into state `to`. Raises NotPermitted, NotFound, StaleState."""
    require_provider(actor, offer.pool.facility.provider_id)
    origins = [seen for seen, new in Offer.MOVES if new == to]
    moved = Offer.objects.filter(pk=offer.pk, state__in=origins).update(state=to)
    seen = offer.state
    offer.refresh_from_db(fields=["state"])
    if not moved:
        raise StaleState(thing="offer", current=offer.state, needed=" / ".join(origins))
    record(f"offer.{to}", subject=offer, actor=actor, at=at, data={"from": seen})
    return offer
