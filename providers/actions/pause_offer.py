"""Take an offer off the market for a while."""

from datetime import datetime

from audit.decisions import Actor
from providers.actions.move_offer import move_offer
from providers.models import Offer


def pause_offer(*, offer: Offer, actor: Actor, at: datetime) -> Offer:
    """listed → paused. Raises NotPermitted, NotFound, StaleState."""
    return move_offer(offer=offer, to=Offer.State.PAUSED, actor=actor, at=at)
