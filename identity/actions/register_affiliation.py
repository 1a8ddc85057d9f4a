"""Enter into the register that two organizations belong together."""

from datetime import date, datetime

from django.db import IntegrityError, transaction

from audit.actions.record import record
from audit.decisions import Actor, Invalid
from identity.models import Affiliation, Organization
from identity.policy import require_role
from identity.roles import GOVERNMENT_ROLES, Role


@transaction.atomic
def register_affiliation(
    *,
    one: Organization,
    other: Organization,
    kind: str,
    effective_date: date,
    evidence: str,
    actor: Actor,
    at: datetime,
) -> Affiliation:
    """From `effective_date` on, trade between the two is related-party trade.

    `kind` is one of Affiliation.Kind. It may be learned late: awards that counted such trade are
    computed again. Raises NotPermitted, Invalid (also for one that is registered already).
    """
    require_role(actor, *sorted(GOVERNMENT_ROLES - {Role.AUDITOR}))
    if kind not in Affiliation.Kind.values:
        raise Invalid("kind", f"one of {', '.join(Affiliation.Kind.values)}", "未知的关联关系类型")
    if one.pk == other.pk:
        raise Invalid("other", "an organization is not its own affiliate", "不得与自身登记关联")
    # One row for a pair, whoever is named first.
    first, second = sorted((one, other), key=lambda each: each.pk)
    try:
        with transaction.atomic():
            affiliation = Affiliation.objects.create(
                one=first,
                other=second,
                kind=kind,
                effective_date=effective_date,
                evidence=evidence,
                registered_by_id=actor.person_id,
                registered_at=at,
            )
    except IntegrityError as error:
        raise Invalid(
            "other", "this affiliation is registered already", "该关联关系已登记"
        ) from error
    record(
        "affiliation.registered",
        subject=affiliation,
        actor=actor,
        at=at,
        data={
            "one_id": first.pk,
            "other_id": second.pk,
            "kind": kind,
            "effective_date": effective_date.isoformat(),
            "evidence": evidence,
        },
    )
    return affiliation
