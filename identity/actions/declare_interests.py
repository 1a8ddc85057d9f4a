"""A person declares what they are tied to; the newest declaration stands."""

from collections.abc import Sequence
from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import transaction

from audit.actions.record import record
from audit.decisions import Actor, Invalid, NotFound
from identity.models import PersonFacts
from identity.uscc import validate_uscc


@transaction.atomic
def declare_interests(
    *,
    actor: Actor,
    at: datetime,
    employer_usccs: Sequence[str] | None = None,
    shareholding_usccs: Sequence[str] | None = None,
    phones: Sequence[str] | None = None,
    addresses: Sequence[str] | None = None,
    bank_account_numbers: Sequence[str] | None = None,
) -> PersonFacts:
    """Keep the actor's own declaration; None is "not said", an empty list is "none".

    The audit event says which were given, not what they are. Raises NotFound for the system,
    Invalid for a wrong USCC.
    """
    if actor.person_id is None:
        raise NotFound(thing="person")
    for field, codes in (
        ("employer_usccs", employer_usccs),
        ("shareholding_usccs", shareholding_usccs),
    ):
        for code in codes or ():
            try:
                validate_uscc(code)
            except ValidationError as error:
                raise Invalid(field, error.messages[0], error.messages[0]) from error
    given = {
        "employer_usccs": employer_usccs,
        "shareholding_usccs": shareholding_usccs,
        "phones": phones,
        "addresses": addresses,
        "bank_account_numbers": bank_account_numbers,
    }
    facts = PersonFacts.objects.create(
        user_id=actor.person_id,
        declared_at=at,
        **{field: None if said is None else list(said) for field, said in given.items()},
    )
    record(
        "interests.declared",
        subject=facts,
        actor=actor,
        at=at,
        data={"said": sorted(field for field, said in given.items() if said is not None)},
    )
    return facts
