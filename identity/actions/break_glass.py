"""Take a role in an emergency: at once, for hours, with the auditor looking on."""

from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from audit.actions.record import record
from audit.decisions import Actor, Invalid, NotFound, NotPermitted, StaleState
from identity.models import BreakGlass, Organization
from identity.models.duties import LONGEST_BREAK_GLASS
from identity.refusals import LentOrTakenAlready
from identity.roles import GOVERNMENT_ROLES, Role


@transaction.atomic
def break_glass(
    *,
    organization: Organization,
    role: str,
    hours: int,
    reason: str,
    actor: Actor,
    at: datetime,
) -> BreakGlass:
    """Give the actor, an officer of `organization`, a role they were not granted, for `hours` ≤ 8.

    It restores no conflict: signatures compare people. `break_glass.opened` is the notice to the
    auditor, who sees every emergency. Raises NotFound, NotPermitted, Invalid, LentOrTakenAlready.
    """
    if actor.organization_id != organization.pk or actor.person_id is None:
        raise NotFound(thing="organization")
    if not actor.has(*GOVERNMENT_ROLES) or actor.has(Role.AUDITOR):
        raise NotPermitted(role="a government officer, not an auditor")
    if role not in GOVERNMENT_ROLES or role == Role.AUDITOR:
        raise Invalid("role", "a government role other than auditor", "须为审计以外的政府角色")
    longest = LONGEST_BREAK_GLASS // timedelta(hours=1)
    if not 1 <= hours <= longest:
        raise Invalid("hours", f"1 to {longest}", f"须为 1 至 {longest}")
    if not reason.strip():
        raise Invalid("reason", "say why", "请说明原因")
    ends_at = at + timedelta(hours=hours)
    try:
        with transaction.atomic():
            emergency = BreakGlass.objects.create(
                organization=organization,
                user_id=actor.person_id,
                role=role,
                valid=DateTimeTZRange(at, ends_at),
                reason=reason,
            )
    except IntegrityError as error:
        raise LentOrTakenAlready from error
    record(
        "break_glass.opened",
        subject=emergency,
        actor=actor,
        at=at,
        data={
            "organization_id": organization.pk,
            "role": role,
            "ends_at": ends_at,
            "reason": reason,
        },
    )
    return emergency


@transaction.atomic
def end_emergency(*, emergency: BreakGlass, actor: Actor, at: datetime) -> BreakGlass:
    """Who took the role gives it back early. Raises NotFound, StaleState."""
    if actor.person_id != emergency.user_id:
        raise NotFound(thing="emergency role")
    running = BreakGlass.objects.filter(pk=emergency.pk, ended_at__isnull=True)
    if not running.update(ended_at=at):
        raise StaleState(thing=BreakGlass._meta.verbose_name_raw, current="ended", needed="running")
    emergency.refresh_from_db()
    record("break_glass.closed", subject=emergency, actor=actor, at=at)
    return emergency
