"""Enter an account an organization wants to be paid into."""

from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import transaction

from audit.actions.record import record
from audit.decisions import Actor, Invalid, NotFound
from identity.models import Organization
from identity.policy import require_role
from treasury import policy
from treasury.models import BankAccount


@transaction.atomic
def add_bank_account(
    *,
    organization: Organization,
    name: str,
    number: str,
    bank: str,
    cnaps: str | None = None,
    actor: Actor,
    at: datetime,
) -> BankAccount:
    """Add an unverified account, by the organization itself or by a treasury officer.

    Raises NotFound for a stranger, NotPermitted, Invalid with the field.
    """
    if actor.organization_id != organization.pk:
        require_role(actor, *policy.ACCOUNT_KEEPERS)
    elif not actor.roles:
        raise NotFound(thing="organization")
    account = BankAccount(
        organization=organization,
        name=name,
        number=number,
        bank=bank,
        cnaps=cnaps or None,
        added_by_id=actor.person_id,
        added_at=at,
    )
    try:
        account.full_clean()
    except ValidationError as error:
        field, messages = next(iter(error.message_dict.items()))
        raise Invalid(field, messages[0], messages[0]) from error
    account.save()
    record(
        "bank_account.added",
        subject=account,
        actor=actor,
        at=at,
        data={"organization_id": organization.pk, "number_ends_with": number[-4:]},
    )
    return account
