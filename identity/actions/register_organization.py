"""Enter an organization into the register, known by its USCC."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from audit.actions.record import record
from audit.decisions import Actor, Invalid
from identity.models import Organization


@transaction.atomic
def register_organization(
    *,
    kind: str,
    name: str,
    uscc: str,
    adcode: str,
    actor: Actor,
    at: datetime,
    facts: Mapping[str, Any] | None = None,
    sample: bool = False,
) -> Organization:
    """Register an organization. Raises Invalid for a wrong or taken USCC, adcode or kind."""
    organization = Organization(
        kind=kind, name=name, uscc=uscc, adcode=adcode, facts=dict(facts or {}), sample=sample
    )
    try:
        organization.full_clean()
    except ValidationError as error:
        field, messages = next(iter(error.message_dict.items()))
        raise Invalid(field, messages[0], messages[0]) from error
    organization.save()
    record(
        "organization.registered",
        subject=organization,
        actor=actor,
        at=at,
        data={"kind": kind, "name": name, "uscc": uscc, "adcode": adcode, "sample": sample},
    )
    return organization
