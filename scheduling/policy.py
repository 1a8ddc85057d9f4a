"""Who may see and do what in the control room."""

from django.db.models import Q, QuerySet

from audit.decisions import Actor
from identity.policy import sees_everything
from identity.roles import GOVERNMENT_ROLES, Role
from scheduling.models import Job, Placement, Relocation, Workload


def visible_workloads(actor: Actor) -> QuerySet[Workload]:
    """An enterprise sees its own; a provider none; auditors and platform operators all."""
    rows = Workload.objects.select_related("enterprise")
    if sees_everything(actor) or actor.has(Role.PLATFORM_OPERATOR):
        return rows
    return rows.filter(enterprise_id=actor.organization_id)


def visible_placements(actor: Actor) -> QuerySet[Placement]:
    """The enterprise's own, and for a provider those in its facilities."""
    rows = Placement.objects.select_related(
        "workload__enterprise", "pool__facility", "pool__accelerator", "rating"
    )
    if sees_everything(actor) or actor.has(Role.PLATFORM_OPERATOR):
        return rows
    return rows.filter(
        Q(workload__enterprise_id=actor.organization_id)
        | Q(pool__facility__provider_id=actor.organization_id)
    )


def visible_jobs(actor: Actor) -> QuerySet[Job]:
    """As with placements."""
    rows = Job.objects.select_related(
        "platform", "allocation__placement__workload", "allocation__pool__facility"
    ).prefetch_related("usage")
    if sees_everything(actor) or actor.has(Role.PLATFORM_OPERATOR):
        return rows
    return rows.filter(
        Q(allocation__placement__workload__enterprise_id=actor.organization_id)
        | Q(allocation__pool__facility__provider_id=actor.organization_id)
    )


def visible_relocations(actor: Actor) -> QuerySet[Relocation]:
    """As with the placements they would move; only the enterprise may answer."""
    rows = Relocation.objects.select_related(
        "placement__workload", "placement__pool__facility", "pool__facility"
    )
    if sees_everything(actor) or actor.has(Role.PLATFORM_OPERATOR):
        return rows
    return rows.filter(placement__workload__enterprise_id=actor.organization_id)


def may_see_runs(actor: Actor) -> bool:
    """Match runs show everybody's prices: for government, auditors and operators."""
    return actor.has(*GOVERNMENT_ROLES, Role.PLATFORM_OPERATOR)
