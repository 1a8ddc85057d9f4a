"""Who may call an endpoint at all. What they may do to an object is asked of its room's policy."""

from typing import Any, cast

from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from audit.decisions import NotPermitted
from identity.authentication import actor_of, membership_of
from identity.roles import Role


class IsActor(BasePermission):
    """Somebody who acts for an organization; an auditor reads everything and writes nothing."""

    def has_permission(self, request: Request, view: Any) -> bool:
        if not request.user or not request.user.is_authenticated:
            return False
        if membership_of(request) is None:
            return False
        # For the rooms below identity, which cannot ask it who is calling.
        cast(Any, request).actor = actor_of(request)
        if request.method in SAFE_METHODS:
            return True
        if actor_of(request).has(Role.AUDITOR):
            raise NotPermitted(role="anything but auditor")
        return True


def has_role(*roles: Role) -> type[BasePermission]:
    """A permission class: the actor holds one of `roles` for every unsafe method."""

    class HasRole(IsActor):
        def has_permission(self, request: Request, view: Any) -> bool:
            if not super().has_permission(request, view):
                return False
            if request.method not in SAFE_METHODS and not actor_of(request).has(*roles):
                raise NotPermitted(role=" / ".join(roles))
            return True

    return HasRole
