"""Bring a rating into force."""

from datetime import datetime

from django.db import transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from audit.actions.record import record
from audit.decisions import Actor, StaleState
from providers.models import GreenRating
from providers.policy import require_rated, require_verifier
from providers.refusals import RatingExpired


@transaction.atomic
def approve_rating(*, rating: GreenRating, actor: Actor, at: datetime) -> GreenRating:
    """auto_checked or verified → approved, valid from `at` until it expires.

    Raises NotPermitted, SamePerson, VerifierOfProvider, Unrated, RatingExpired, StaleState.
    """
    person = require_verifier(actor, rating)
    require_rated(rating)
    assert rating.expires_at is not None  # every rated rating expires
    if rating.expires_at <= at:
        raise RatingExpired(expires_at=rating.expires_at.isoformat())
    moved = GreenRating.objects.filter(pk=rating.pk, state__in=["auto_checked", "verified"]).update(
        state="approved", approved_by=person, valid=DateTimeTZRange(at, rating.expires_at)
    )
    rating.refresh_from_db()
    if not moved:
        raise StaleState(thing="rating", current=rating.state, needed="auto_checked / verified")
    record(
        "rating.approved",
        subject=rating,
        actor=actor,
        at=at,
        data={
            "facility_id": rating.facility_id,
            "green_tier": rating.green_tier,
            "expires_at": rating.expires_at,
            "input_sha256": rating.input_digest,
        },
    )
    return rating
