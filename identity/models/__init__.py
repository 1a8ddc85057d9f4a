"""Who: people, organizations, what they may do, and what keeps them from doing both sides of it."""

from identity.models.duties import BreakGlass, Delegation
from identity.models.people import ApiKey, Membership, Organization, RoleGrant, User
from identity.models.ties import Affiliation, ConflictScreen, PersonFacts, Succession

__all__ = [
    "Affiliation",
    "ApiKey",
    "BreakGlass",
    "ConflictScreen",
    "Delegation",
    "Membership",
    "Organization",
    "PersonFacts",
    "RoleGrant",
    "Succession",
    "User",
]
