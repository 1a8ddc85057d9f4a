"""Take an offer off the market for good."""

from datetime import datetime

from audit.decisions import Actor
from providers.actions.move_offer import move_offer
from providers.models import Offer


def withdraw_offer(*, offer: Offer, actor: Actor, at: datetime) -> Offer:
    """draft, listed or paused → withdrawn. Raises NotPermitted, NotFound, StaleState."""
    return move_offer(offer=offer, to=Offer.State.WITHDRAWN, actor=actor, at=at)
