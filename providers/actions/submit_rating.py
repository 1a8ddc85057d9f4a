"""Hand a drafted rating in."""

from datetime import datetime

from django.db import transaction

from audit.actions.record import record
from audit.decisions import Actor, StaleState
from providers.models import GreenRating
from providers.policy import require_provider, require_rated


@transaction.atomic
def submit_rating(*, rating: GreenRating, actor: Actor, at: datetime) -> GreenRating:
    """draft → submitted, by the provider. The system then checks it (`check_rating`).

    Raises NotPermitted, NotFound, Unrated, StaleState.
    """
    require_provider(actor, rating.facility.provider_id)
    require_rated(rating)
    moved = GreenRating.objects.filter(pk=rating.pk, state="draft").update(state="submitted")
    rating.refresh_from_db()
    if not moved:
        raise StaleState(thing="rating", current=rating.state, needed="draft")
    data = {"facility_id": rating.facility_id, "input_sha256": rating.input_digest}
    record("rating.submitted", subject=rating, actor=actor, at=at, data=data)
    return rating
