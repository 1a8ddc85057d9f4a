"""Who may do what with public money."""

from audit.decisions import Actor, NotFound, SamePerson
from identity.models import Organization
from identity.policy import require_role
from identity.roles import Role

BUDGET = (Role.BUDGET_OFFICER,)
BUDGET_APPROVERS = (Role.BUDGET_OFFICER, Role.FINANCE_REVIEWER)
PAYABLE_APPROVERS = (Role.FINANCE_REVIEWER,)
ACCOUNT_KEEPERS = (Role.FINANCE_REVIEWER, Role.BATCH_MAKER, Role.BATCH_CHECKER)
BATCH_REJECTERS = (Role.BATCH_CHECKER, Role.BATCH_RELEASER)


def require_issuer(actor: Actor, issuer: Organization, *roles: Role) -> None:
    """Raise unless `actor` holds one of `roles` in the issuing body itself.

    NotPermitted without the role; NotFound for somebody else's object, which is not theirs to know.
    """
    require_role(actor, *roles)
    if actor.organization_id != issuer.pk:
        raise NotFound(thing="object")


def require_another_person(
    actor: Actor, *earlier: int | None, first: str, second: str, first_zh: str, second_zh: str
) -> None:
    """Raise SamePerson when `actor` is one of the `earlier` people. The database refuses it too."""
    if actor.person_id in [person for person in earlier if person is not None]:
        raise SamePerson(first=first, second=second, first_zh=first_zh, second_zh=second_zh)
