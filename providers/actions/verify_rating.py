"""Let a third party say what it saw, before a rating is approved."""

from datetime import datetime

from django.db import transaction

from audit.actions.record import record
from audit.decisions import Actor, Invalid, StaleState
from providers.models import GreenRating
from providers.policy import require_verifier


@transaction.atomic
def verify_rating(
    *, rating: GreenRating, statement: str, actor: Actor, at: datetime
) -> GreenRating:
    """auto_checked → verified, with what was seen. Who verifies does not approve.

    Raises NotPermitted, SamePerson, VerifierOfProvider, Invalid, StaleState.
    """
    person = require_verifier(actor, rating)
    if not statement.strip():
        raise Invalid("statement", "must not be empty", "不能为空")
    moved = GreenRating.objects.filter(pk=rating.pk, state="auto_checked").update(
        state="verified", verified_by=person, verified_at=at, verification_statement=statement
    )
    rating.refresh_from_db()
    if not moved:
        raise StaleState(thing="rating", current=rating.state, needed="auto_checked")
    record("rating.verified", subject=rating, actor=actor, at=at, data={"statement": statement})
    return rating
