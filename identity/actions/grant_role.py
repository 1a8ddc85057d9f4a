"""Give a person a role in an organization, from an instant on."""

from datetime import datetime

from django.db import transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from audit.actions.record import record
from audit.decisions import Actor, Invalid
from identity.models import Membership, Organization, RoleGrant, User
from identity.roles import ROLES_BY_KIND, Role


@transaction.atomic
def grant_role(
    *,
    user: User,
    organization: Organization,
    role: str,
    actor: Actor,
    at: datetime,
    ends_at: datetime | None = None,
) -> RoleGrant:
    """Grant `role` from `at` until `ends_at` (open if None); idempotent while one is running.

    Raises Invalid when the role does not fit the organization's kind.
    """
    if role not in ROLES_BY_KIND[organization.kind]:
        raise Invalid(
            "role", f"not a role in a {organization.kind}", f"不是{organization.kind}的角色"
        )
    membership, _created = Membership.objects.get_or_create(user=user, organization=organization)
    running = membership.grants.filter(role=role, valid__contains=at).first()
    if running is not None:
        return running
    grant = RoleGrant.objects.create(
        membership=membership,
        role=Role(role),
        valid=DateTimeTZRange(at, ends_at),
        granted_by_id=actor.person_id,
    )
    record(
        "role.granted",
        subject=grant,
        actor=actor,
        at=at,
        data={"person_id": user.pk, "organization_id": organization.pk, "role": role},
    )
    return grant
