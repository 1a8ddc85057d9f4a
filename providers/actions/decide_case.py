"""Decide a case: nothing in it, or so it is."""

from datetime import datetime

from django.db import transaction

from audit.actions.record import record
from audit.decisions import Actor, Invalid, StaleState
from identity.models import Membership
from identity.policy import require_role
from identity.roles import Role
from providers.models import PlausibilityCase
from providers.refusals import VerifierOfProvider


@transaction.atomic
def decide_case(
    *, case: PlausibilityCase, confirmed: bool, reason: str, actor: Actor, at: datetime
) -> PlausibilityCase:
    """raised or answered → confirmed or dismissed, by a fraud analyst who is not of the provider.

    No rating, award or payment changes by this: whoever acts on a confirmed case acts by name.
    Raises NotPermitted, VerifierOfProvider, Invalid, StaleState.
    """
    require_role(actor, Role.FRAUD_ANALYST)
    assert actor.person_id is not None  # the system holds no role
    if Membership.objects.filter(
        user_id=actor.person_id, organization_id=case.provider_id
    ).exists():
        raise VerifierOfProvider()
    if not reason.strip():
        raise Invalid("reason", "must not be empty", "不能为空")
    state = "confirmed" if confirmed else "dismissed"
    moved = PlausibilityCase.objects.filter(pk=case.pk, state__in=["raised", "answered"]).update(
        state=state, decision=reason, decided_by=actor.person_id, decided_at=at
    )
    case.refresh_from_db()
    if not moved:
        raise StaleState(thing="case", current=case.state, needed="raised / answered")
    record(f"plausibility.{state}", subject=case, actor=actor, at=at, data={"reason": reason})
    return case
