"""Enter into the register who follows an organization that merged or was deregistered."""

from datetime import date, datetime

from django.db import transaction

from audit.actions.record import record
from audit.decisions import Actor, Invalid
from identity.models import Organization, Succession
from identity.policy import require_role
from identity.queries import successor_of
from identity.roles import GOVERNMENT_ROLES, Role


@transaction.atomic
def register_succession(
    *,
    predecessor: Organization,
    successor: Organization,
    kind: str,
    effective_date: date,
    evidence: str,
    actor: Actor,
    at: datetime,
) -> Succession:
    """From `effective_date` on, `successor` stands in for `predecessor`, once and for good.

    `kind` is one of Succession.Kind. Raises NotPermitted, Invalid (also for a circle).
    """
    require_role(actor, *sorted(GOVERNMENT_ROLES - {Role.AUDITOR}))
    if kind not in Succession.Kind.values:
        raise Invalid("kind", "merged, split or deregistered", "须为 merged、split 或 deregistered")
    if predecessor.pk == successor.pk or successor_of(successor, on_date=date.max) == predecessor:
        raise Invalid("successor", "a circle of successors", "承继关系成环")
    if Succession.objects.filter(predecessor=predecessor).exists():
        raise Invalid("predecessor", "it has a successor already", "已登记承继主体")
    succession = Succession.objects.create(
        predecessor=predecessor,
        successor=successor,
        kind=kind,
        effective_date=effective_date,
        evidence=evidence,
        registered_by_id=actor.person_id,
        registered_at=at,
    )
    record(
        "organization.succeeded",
        subject=predecessor,
        actor=actor,
        at=at,
        data={
            "successor_id": successor.pk,
            "kind": kind,
            "effective_date": effective_date.isoformat(),
            "evidence": evidence,
        },
    )
    return succession
