"""Refuse a submitted rating."""

from datetime import datetime

from django.db import transaction

from audit.actions.record import record
from audit.decisions import Actor, Invalid, StaleState
from providers.models import GreenRating
from providers.policy import require_verifier


@transaction.atomic
def reject_rating(*, rating: GreenRating, reason: str, actor: Actor, at: datetime) -> GreenRating:
    """auto_checked or verified → rejected.

    Raises NotPermitted, SamePerson, VerifierOfProvider, Invalid, StaleState.
    """
    require_verifier(actor, rating)
    if not reason:
        raise Invalid("reason", "must not be empty", "不能为空")
    open_ones = GreenRating.objects.filter(pk=rating.pk, state__in=["auto_checked", "verified"])
    moved = open_ones.update(state="rejected", rejection_reason=reason)
    rating.refresh_from_db()
    if not moved:
        raise StaleState(thing="rating", current=rating.state, needed="auto_checked / verified")
    record("rating.rejected", subject=rating, actor=actor, at=at, data={"reason": reason})
    return rating
