"""Who looks at a page, and which pages are for them."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from audit.decisions import Actor
from identity.authentication import membership_of
from identity.models import Organization
from identity.policy import sees_everything
from identity.roles import GOVERNMENT_ROLES, Role

STRANGER = Actor(person_id=None, organization_id=None, label="anonymous")

# name of the page → (what the navigation calls it, the roles it is for); auditors read all of them
PAGES: dict[str, tuple[Promise | str, frozenset[str]]] = {
    "enterprise": (
        _("Enterprise"),
        frozenset({Role.ENTERPRISE_APPLICANT, Role.ENTERPRISE_APPROVER}),
    ),
    "provider": (_("Provider"), frozenset({Role.PROVIDER_ADMIN})),
    "officer": (_("Programme office"), GOVERNMENT_ROLES - {Role.AUDITOR}),
    "auditor": (_("Auditor"), frozenset({Role.AUDITOR})),
    "week": (
        _("One week"),
        GOVERNMENT_ROLES
        | {Role.ENTERPRISE_APPLICANT, Role.ENTERPRISE_APPROVER}
        | {Role.PROVIDER_ADMIN, Role.PLATFORM_OPERATOR},
    ),
}


@dataclass(frozen=True)
class Visitor:
    """Who asks for a page. Without a login or an organization they are a stranger."""

    actor: Actor
    organization: Organization | None

    def may_open(self, page: str) -> bool:
        """Whether `page` is for one of the visitor's roles."""
        return sees_everything(self.actor) or self.actor.has(*PAGES[page][1])


def visitor_of(request: HttpRequest) -> Visitor:
    """The visitor behind `request` with today's roles, read once per request."""
    known: Visitor | None = getattr(request, "portal_visitor", None)
    if known is None:
        membership = membership_of(request) if hasattr(request, "user") else None
        known = (
            Visitor(STRANGER, None)
            if membership is None
            else Visitor(membership.actor(at=timezone.now()), membership.organization)
        )
        request.portal_visitor = known  # type: ignore[attr-defined]
    return known


def navigation_of(request: HttpRequest) -> list[dict[str, Any]]:
    """The pages this visitor may open, as `label` and `url`."""
    visitor = visitor_of(request)
    pages = [{"label": _("Overview"), "url": reverse("public")}]
    pages += [
        {"label": label, "url": reverse(page)}
        for page, (label, _roles) in PAGES.items()
        if visitor.may_open(page)
    ]
    return pages


Page = Callable[..., HttpResponse]


def for_page(page: str) -> Callable[[Page], Page]:
    """Let in whom `page` is for: strangers are asked to log in, others get a 403."""

    def decorate(view: Page) -> Page:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if not request.user.is_authenticated:
                return redirect_to_login(request.get_full_path())
            if not visitor_of(request).may_open(page):
                raise PermissionDenied
            return view(request, *args, **kwargs)

        return guarded

    return decorate
