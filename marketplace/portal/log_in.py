"""The login page; in a demo it names who can be played."""

from typing import Any

from django.conf import settings
from django.contrib.auth.views import LoginView
from django.urls import reverse

from identity.models import Membership
from marketplace.portal.access import PAGES, visitor_of


class LogIn(LoginView):
    """Django's own, leading to the first page that is for the person who logged in."""

    template_name = "portal/login.html"
    redirect_authenticated_user = False

    def get_default_redirect_url(self) -> str:
        visitor = visitor_of(self.request)
        own = [page for page, (_label, roles) in PAGES.items() if visitor.actor.has(*roles)]
        return reverse(own[0]) if own else reverse("public")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(demo_logins=demo_logins(), **kwargs)


def demo_logins() -> list[dict[str, Any]]:
    """The people of sample organizations, in a demo only. Passwords are printed elsewhere."""
    if not settings.DEMO:
        return []
    members = Membership.objects.filter(organization__sample=True).select_related(
        "user", "organization"
    )
    return [
        {
            "username": member.user.get_username(),
            "organization": member.organization.name,
            "roles": [grant.get_role_display() for grant in member.grants.all()],
        }
        for member in members.prefetch_related("grants").order_by("organization_id", "pk")
    ]
