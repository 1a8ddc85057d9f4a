"""Enter a person who acts for an organization."""

from collections.abc import Sequence
from datetime import datetime

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction

from audit.actions.record import record
from audit.decisions import Actor, Invalid
from identity.actions.grant_role import grant_role
from identity.models import Membership, Organization, User


@transaction.atomic
def register_person(
    *,
    username: str,
    password: str,
    organization: Organization,
    roles: Sequence[str],
    actor: Actor,
    at: datetime,
) -> Membership:
    """Create a person with a membership and `roles` from `at` on.

    Raises Invalid for a taken name, a weak password, or a role the organization's kind lacks.
    """
    user = User(username=username)
    try:
        user.full_clean(exclude=["password"])
        validate_password(password, user)
    except ValidationError as error:
        fields = getattr(error, "error_dict", None)
        field = next(iter(fields)) if fields else "password"
        raise Invalid(field, error.messages[0], error.messages[0]) from error
    user.set_password(password)
    user.save()
    membership = Membership.objects.create(user=user, organization=organization)
    record(
        "person.registered",
        subject=user,
        actor=actor,
        at=at,
        data={"username": username, "organization_id": organization.pk},
    )
    for role in roles:
        grant_role(user=user, organization=organization, role=role, actor=actor, at=at)
    return membership
