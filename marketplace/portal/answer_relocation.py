"""The enterprise answers a suggested move from its page; one action behind one button."""

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from audit.decisions import Refusal
from identity.roles import Role
from marketplace.portal.access import for_page, visitor_of
from scheduling.actions.answer_relocation import accept_relocation, decline_relocation
from scheduling.policy import visible_relocations

ANSWERS = {"accept": accept_relocation, "decline": decline_relocation}


@require_POST
@for_page("enterprise")
def answer_relocation(request: HttpRequest, relocation_id: int, answer: str) -> HttpResponse:
    """Accept or decline, and back to the page, which shows what came of it.

    A refusal (the hours were taken, the offer ran out) changes nothing.
    """
    if answer not in ANSWERS:
        raise Http404
    actor = visitor_of(request).actor
    if not actor.has(Role.ENTERPRISE_APPLICANT, Role.ENTERPRISE_APPROVER):
        raise PermissionDenied
    relocation = get_object_or_404(visible_relocations(actor), pk=relocation_id)
    try:
        ANSWERS[answer](relocation=relocation, actor=actor, at=timezone.now())
    except Refusal as refusal:
        return HttpResponse(str(refusal), status=refusal.http_status, content_type="text/plain")
    return redirect("enterprise")
