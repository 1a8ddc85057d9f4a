"""Take a rating out of force from a date on."""

from datetime import datetime

from django.db import transaction

from audit.actions.record import record
from audit.decisions import Actor, Invalid, StaleState
from identity.policy import require_role
from identity.roles import Role
from providers.models import GreenRating


@transaction.atomic
def revoke_rating(
    *,
    rating: GreenRating,
    revoked_from: datetime,
    reason: str,
    actor: Actor,
    at: datetime,
) -> GreenRating:
    """approved or challenged → revoked, out of force from `revoked_from` on.

    Placements keep the rating they saw. Raises NotPermitted, Invalid, StaleState.
    """
    require_role(actor, Role.RATING_VERIFIER)
    if not reason:
        raise Invalid("reason", "must not be empty", "不能为空")
    moved = GreenRating.objects.filter(pk=rating.pk, state__in=["approved", "challenged"]).update(
        state="revoked",
        revoked_from=revoked_from,
        revoked_by=actor.person_id,
        revocation_reason=reason,
    )
    rating.refresh_from_db()
    if not moved:
        raise StaleState(thing="rating", current=rating.state, needed="approved / challenged")
    record(
        "rating.revoked",
        subject=rating,
        actor=actor,
        at=at,
        data={"facility_id": rating.facility_id, "revoked_from": revoked_from, "reason": reason},
    )
    return rating
