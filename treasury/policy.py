"""Who may do what with public money."""

from zoneinfo import ZoneInfo

from audit.decisions import Actor, NotFound, NotPermitted, SamePerson
from identity.models import Organization
from identity.policy import require_role
from identity.roles import Role

SHANGHAI = ZoneInfo("Asia/Shanghai")
BUDGET = (Role.BUDGET_OFFICER,)
BUDGET_APPROVERS = (Role.BUDGET_OFFICER, Role.FINANCE_REVIEWER)
PAYABLE_APPROVERS = (Role.FINANCE_REVIEWER,)
ACCOUNT_KEEPERS = (Role.FINANCE_REVIEWER, Role.BATCH_MAKER, Role.BATCH_CHECKER)
RECOVERERS = (Role.FINANCE_REVIEWER,)
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
    """Raise SamePerson when `actor` is one of the `earlier` people, or acts for one of them.

    A role somebody lent carries their signatures with it: a delegation restores no conflict. The
    database refuses both too.
    """
    known = {person for person in earlier if person is not None}
    if actor.person_id in known or not known.isdisjoint(lender for _role, lender in actor.lent):
        raise SamePerson(first=first, second=second, first_zh=first_zh, second_zh=second_zh)


def signer(actor: Actor) -> int:
    """The person behind `actor`. Raises NotPermitted for the system, which signs nothing."""
    if actor.person_id is None:
        raise NotPermitted(role="a person")
    return actor.person_id
