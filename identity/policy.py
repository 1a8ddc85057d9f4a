"""Questions about actors that every room asks."""

from audit.decisions import SYSTEM, Actor, NotPermitted
from identity.roles import Role


def require_role(actor: Actor, *roles: Role) -> None:
    """Raise NotPermitted unless `actor` holds one of `roles`. The system holds none of them."""
    if not actor.has(*roles):
        raise NotPermitted(role=" / ".join(roles))


def sees_everything(actor: Actor) -> bool:
    """Auditors and the system read across organizations."""
    return actor is SYSTEM or actor.has(Role.AUDITOR)
