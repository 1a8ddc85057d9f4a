"""Who may do what to the supply side."""

from audit.decisions import SYSTEM, Actor, NotFound, SamePerson
from identity.models import Membership, Organization
from identity.policy import require_role
from identity.roles import Role
from providers.models import Facility, GreenRating
from providers.refusals import Unrated, VerifierOfProvider


def require_provider(actor: Actor, provider: Organization | int) -> None:
    """The provider's administrator, or the system loading facts.

    Raises NotPermitted without the role, NotFound for another provider's things.
    """
    if actor is SYSTEM:
        return
    require_role(actor, Role.PROVIDER_ADMIN)
    if actor.organization_id != (provider if isinstance(provider, int) else provider.pk):
        raise NotFound(thing="provider")


def require_closer(actor: Actor, provider: int) -> None:
    """Who closes a pool and opens it again: its provider, or an operator of a platform."""
    if not actor.has(Role.PLATFORM_OPERATOR):
        require_provider(actor, provider)


METER_KEY = "meter_key"  # not a person's role: what a verified signature of an agent may do


def require_meter_sender(actor: Actor, provider: int) -> None:
    """A provider's agent whose signature was verified, or who may act for the provider anyway."""
    if actor.has(METER_KEY) and actor.organization_id == provider:
        return
    require_provider(actor, provider)


def require_rater(actor: Actor, facility: Facility) -> None:
    """Who may draft a rating: the provider, a verifier, the system."""
    if not actor.has(Role.RATING_VERIFIER):
        require_provider(actor, facility.provider_id)


def require_rated(rating: GreenRating) -> None:
    """Raises Unrated: without a tier there is nothing to submit or to approve."""
    if rating.green_tier is None:
        missing = ", ".join(rating.findings["unrated_items"])
        raise Unrated(facility=rating.facility.name, missing=missing)


def require_verifier(actor: Actor, rating: GreenRating) -> int:
    """A rating verifier who neither computed the rating nor belongs to the provider.

    Returns the person. Raises NotPermitted, SamePerson, VerifierOfProvider.
    """
    require_role(actor, Role.RATING_VERIFIER)
    assert actor.person_id is not None  # the system holds no role
    if rating.computed_by_id == actor.person_id:
        raise SamePerson(
            first="compute", second="approve a rating", first_zh="计算", second_zh="批准评级"
        )
    if rating.verified_by_id == actor.person_id:
        raise SamePerson(
            first="verify", second="decide on a rating", first_zh="核验", second_zh="决定评级"
        )
    if Membership.objects.filter(
        user_id=actor.person_id, organization_id=rating.facility.provider_id
    ).exists():
        raise VerifierOfProvider()
    return actor.person_id
