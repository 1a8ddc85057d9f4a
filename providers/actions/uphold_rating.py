"""Settle a doubt in a rating's favor."""

from datetime import datetime

from django.db import transaction

from audit.actions.record import record
from audit.decisions import Actor, Invalid, StaleState
from identity.policy import require_role
from identity.roles import Role
from providers.models import GreenRating


@transaction.atomic
def uphold_rating(*, rating: GreenRating, reason: str, actor: Actor, at: datetime) -> GreenRating:
    """challenged → approved. Raises NotPermitted, Invalid, StaleState."""
    require_role(actor, Role.RATING_VERIFIER)
    if not reason:
        raise Invalid("reason", "must not be empty", "不能为空")
    moved = GreenRating.objects.filter(pk=rating.pk, state="challenged").update(state="approved")
    rating.refresh_from_db()
    if not moved:
        raise StaleState(thing="rating", current=rating.state, needed="challenged")
    record("rating.upheld", subject=rating, actor=actor, at=at, data={"reason": reason})
    return rating
