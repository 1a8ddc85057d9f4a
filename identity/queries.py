"""Who may be seen by whom."""

from datetime import date

from django.db.models import Q, QuerySet

from audit.decisions import Actor
from identity.models import (
    ApiKey,
    BreakGlass,
    ConflictScreen,
    Delegation,
    Membership,
    Organization,
    Succession,
)
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


def delegations_visible_to(actor: Actor) -> QuerySet[Delegation]:
    """Those of one's own organization; an auditor's all."""
    rows = Delegation.objects.select_related("lender", "borrower", "organization")
    return rows if sees_everything(actor) else rows.filter(organization=actor.organization_id)


def emergencies_visible_to(actor: Actor) -> QuerySet[BreakGlass]:
    """Those of one's own organization; an auditor's all."""
    rows = BreakGlass.objects.select_related("user", "organization")
    return rows if sees_everything(actor) else rows.filter(organization=actor.organization_id)


def screens_visible_to(actor: Actor) -> QuerySet[ConflictScreen]:
    """One's own, and those of colleagues; an auditor's all."""
    rows = ConflictScreen.objects.select_related("person", "organization")
    if sees_everything(actor):
        return rows
    return rows.filter(
        Q(person=actor.person_id) | Q(person__memberships__organization=actor.organization_id)
    ).distinct()


def successor_of(organization: Organization, *, on_date: date) -> Organization | None:
    """Who stands in for `organization` on that day, followed to the end; None when nobody does."""
    seen, current = {organization.pk}, organization
    while True:
        edge = (
            Succession.objects.filter(predecessor=current, effective_date__lte=on_date)
            .select_related("successor")
            .first()
        )
        if edge is None or edge.successor_id in seen:
            return None if current.pk == organization.pk else current
        seen.add(edge.successor_id)
        current = edge.successor
