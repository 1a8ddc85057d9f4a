"""Lend a role to a colleague for a time, and take it back."""

from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from audit.actions.record import record
from audit.decisions import Actor, Invalid, NotFound, StaleState
from identity.models import Delegation, Organization, User
from identity.models.duties import LONGEST_DELEGATION
from identity.refusals import LentOrTakenAlready, NothingToLend
from identity.roles import Role


@transaction.atomic
def lend_role(
    *,
    borrower: User,
    organization: Organization,
    role: str,
    ends_at: datetime,
    reason: str,
    actor: Actor,
    at: datetime,
) -> Delegation:
    """The actor lends `role`, which they were granted themselves, from `at` until `ends_at`.

    Raises Invalid (period, oneself, the auditor's role), NothingToLend, LentOrTakenAlready.
    """
    if not at < ends_at <= at + LONGEST_DELEGATION:
        raise Invalid("ends_at", "within 90 days from now", "须在 90 天之内")
    if role == Role.AUDITOR:
        raise Invalid("role", "an auditor's role is not lent", "审计角色不得委托")
    if borrower.pk == actor.person_id:
        raise Invalid("borrower", "somebody else", "须为他人")
    if actor.organization_id != organization.pk or actor.person_id is None:
        raise NotFound(thing="organization")
    try:
        with transaction.atomic():
            delegation = Delegation.objects.create(
                organization=organization,
                lender_id=actor.person_id,
                borrower=borrower,
                role=role,
                valid=DateTimeTZRange(at, ends_at),
                reason=reason,
            )
    except IntegrityError as error:
        if "a_role_is_lent_once_at_a_time" in str(error):
            raise LentOrTakenAlready from error
        raise NothingToLend(lender=actor.label, role=role) from error
    record(
        "role.lent",
        subject=delegation,
        actor=actor,
        at=at,
        data={
            "organization_id": organization.pk,
            "borrower_id": borrower.pk,
            "role": role,
            "ends_at": ends_at,
            "reason": reason,
        },
    )
    return delegation


@transaction.atomic
def revoke_delegation(*, delegation: Delegation, actor: Actor, at: datetime) -> Delegation:
    """The lender or the borrower ends it now. Raises NotFound for others, StaleState."""
    if actor.person_id not in (delegation.lender_id, delegation.borrower_id):
        raise NotFound(thing="delegation")
    running = Delegation.objects.filter(pk=delegation.pk, revoked_at__isnull=True)
    if not running.update(revoked_at=at):
        raise StaleState(
            thing=Delegation._meta.verbose_name_raw, current="revoked", needed="not revoked"
        )
    delegation.refresh_from_db()
    record("role.taken_back", subject=delegation, actor=actor, at=at)
    return delegation
