"""The provider drafts and submits a rating from its page; each one action behind one button."""

from collections.abc import Callable

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import get_language
from django.views.decorators.http import require_POST

from audit.decisions import Refusal
from identity.roles import Role
from marketplace.portal.access import for_page, visitor_of
from providers.actions.draft_rating import draft_rating
from providers.actions.submit_rating import submit_rating
from providers.facts import load_green_method
from providers.green.exact import civil_day, months_later
from providers.models import GreenRating
from providers.queries import visible_facilities, visible_ratings


@require_POST
@for_page("provider")
def draft(request: HttpRequest, facility_id: int) -> HttpResponse:
    """Draft over the last whole months the method asks for, and show what it would be."""
    actor, now = visitor_of(request).actor, timezone.now()
    facility = get_object_or_404(visible_facilities(actor), pk=facility_id)
    months = load_green_method().period_months
    first_day = months_later(civil_day(now).replace(day=1), -months)
    return _done(
        request,
        lambda: draft_rating(facility=facility, first_day=first_day, actor=actor, at=now),
    )


@require_POST
@for_page("provider")
def submit(request: HttpRequest, rating_id: int) -> HttpResponse:
    """Hand the draft in."""
    actor, now = visitor_of(request).actor, timezone.now()
    rating = get_object_or_404(visible_ratings(actor), pk=rating_id)
    return _done(request, lambda: submit_rating(rating=rating, actor=actor, at=now))


def _done(request: HttpRequest, act: Callable[[], GreenRating]) -> HttpResponse:
    """Act, and back to the page, which shows what came of it or why it was refused."""
    if not visitor_of(request).actor.has(Role.PROVIDER_ADMIN):
        raise PermissionDenied
    try:
        act()
    except Refusal as refusal:
        messages.error(request, refusal.sentence(get_language() or "en"))
    return redirect("provider")
