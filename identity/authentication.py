"""From a request to an actor: an API key, or a session with an organization chosen."""

from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request
from rest_framework_api_key.permissions import KeyParser

from audit.decisions import Actor
from identity.models import ApiKey, Membership, User

SESSION_ORGANIZATION = "organization_id"


class ApiKeyAuthentication(BaseAuthentication):
    """`Authorization: Api-Key <key>`."""

    def authenticate(self, request: Request) -> tuple[User, ApiKey] | None:
        key = KeyParser().get(request)
        if not key:
            return None
        try:
            api_key = ApiKey.objects.get_from_key(key)
        except ApiKey.DoesNotExist:
            raise AuthenticationFailed("The API key is unknown or revoked.") from None
        if api_key.has_expired or not api_key.membership.user.is_active:
            raise AuthenticationFailed("The API key has expired.")
        return api_key.membership.user, api_key

    def authenticate_header(self, request: Request) -> str:
        return "Api-Key"


def membership_of(request: Request | HttpRequest) -> Membership | None:
    """The membership a request acts under; None for a stranger or a person without one."""
    key = getattr(request, "auth", None)
    if isinstance(key, ApiKey):
        return key.membership
    user = request.user
    if not user.is_authenticated:
        return None
    memberships = Membership.objects.filter(user=user).select_related("organization", "user")
    chosen = request.session.get(SESSION_ORGANIZATION)
    if chosen is not None:
        return memberships.filter(organization_id=chosen).first()
    return memberships.order_by("id").first()


def actor_of(request: Request | HttpRequest) -> Actor:
    """The actor behind `request` with today's roles, read once per request.

    Raises AuthenticationFailed when the person belongs to no organization.
    """
    inner: Any = getattr(request, "_request", request)
    actor = getattr(inner, "suanquan_actor", None)
    if actor is None:
        membership = membership_of(request)
        if membership is None:
            raise AuthenticationFailed("This person acts for no organization.")
        actor = membership.actor(at=timezone.now())
        inner.suanquan_actor = actor
    return actor
