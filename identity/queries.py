"""Who may be seen by whom."""

from django.db.models import QuerySet

from audit.decisions import Actor
from identity.models import ApiKey, Membership, Organization
from identity.policy import sees_everything
from identity.roles import GOVERNMENT_ROLES


def organizations_visible_to(actor: Actor) -> QuerySet[Organization]:
    """A government officer's and an auditor's all (it is a register); anybody else's own."""
    organizations = Organization.objects.all()
    if sees_everything(actor) or actor.has(*GOVERNMENT_ROLES):
        return organizations
    return organizations.filter(pk=actor.organization_id or 0)


def memberships_visible_to(actor: Actor) -> QuerySet[Membership]:
    """Those of one's own organization; an auditor's all."""
    memberships = Membership.objects.select_related("user", "organization").prefetch_related(
        "grants"
    )
    if sees_everything(actor):
        return memberships
    return memberships.filter(organization=actor.organization_id)


def api_keys_visible_to(actor: Actor) -> QuerySet[ApiKey]:
    """One's own; an auditor's all (without the keys themselves, which nobody has)."""
    keys = ApiKey.objects.select_related("membership")
    if sees_everything(actor):
        return keys
    return keys.filter(
        membership__user_id=actor.person_id or 0,
        membership__organization_id=actor.organization_id or 0,
    )
