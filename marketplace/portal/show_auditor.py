"""The auditor's pages: the chain, the last proof of the books, and the trail of one fen."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from audit.chain import chain_hash
from audit.models import AuditLink, Checkpoint, Delivery
from audit.queries import chain_head, events_visible_to
from marketplace.portal.access import for_page, visitor_of
from marketplace.trace import follow_award, follow_redemption
from treasury.queries import batches_visible_to
from vouchers.policy import visible_awards, visible_redemptions

EVENTS, LINKS, TRAILS, CHECKPOINTS = 60, 200, 50, 5


@for_page("auditor")
def show_auditor(request: HttpRequest) -> HttpResponse:
    """A fixed number of queries, whatever the number of rows."""
    actor = visitor_of(request).actor
    events = events_visible_to(actor)
    return render(
        request,
        "portal/auditor.html",
        {
            "head": chain_head(),
            "recheck": recheck_newest(LINKS),
            "checkpoints": Checkpoint.objects.order_by("-tree_size")[:CHECKPOINTS],
            "verified": events.filter(kind__in=["books.verified", "books.violated"])
            .order_by("-pk")
            .first(),
            "parked": Delivery.objects.filter(state="parked").count(),
            "waiting": Delivery.objects.filter(state="pending").count(),
            "events": events.order_by("-pk")[:EVENTS],
            "redemptions": visible_redemptions(actor)
            .filter(committed_fen__gt=0)
            .select_related("voucher__holder")
            .order_by("-pk")[:TRAILS],
            "awards": visible_awards(actor).filter(amount_fen__gt=0).order_by("-pk")[:TRAILS],
            "batches": batches_visible_to(actor).order_by("-pk")[:TRAILS],
        },
    )


@dataclass(frozen=True)
class Recheck:
    """How many of the newest links were recomputed, and the first that does not fit (or None)."""

    links: int
    broken_at: int | None


def recheck_newest(count: int) -> Recheck:
    """Recompute the newest `count` links on the spot; the whole chain is verified offline."""
    links: Sequence[AuditLink] = list(
        AuditLink.objects.select_related("event").order_by("-sequence")[:count]
    )[::-1]
    for before, link in zip([None, *links], links, strict=False):
        follows = before is None or (
            link.sequence == before.sequence + 1 and link.previous_hash == before.hash
        )
        if not follows or link.hash != chain_hash(link.previous_hash, link.event.body):
            return Recheck(len(links), link.sequence)
    return Recheck(len(links), None)


@for_page("auditor")
def trace_redemption(request: HttpRequest, redemption_id: int) -> HttpResponse:
    """One redemption's fen from appropriation to bank, or with `?from=bank` back again."""
    rows = visible_redemptions(visitor_of(request).actor)
    return _trail(request, follow_redemption(get_object_or_404(rows, pk=redemption_id)))


@for_page("auditor")
def trace_award(request: HttpRequest, award_id: int) -> HttpResponse:
    """One award's fen from appropriation to bank, or with `?from=bank` back again."""
    rows = visible_awards(visitor_of(request).actor)
    return _trail(request, follow_award(get_object_or_404(rows, pk=award_id)))


def _trail(request: HttpRequest, trail: Any) -> HttpResponse:
    direction = request.GET.get("from", "budget")
    if direction not in ("budget", "bank"):
        raise Http404
    steps = list(trail.steps)
    return render(
        request,
        "portal/trace.html",
        {
            "trail": trail,
            "steps": steps[::-1] if direction == "bank" else steps,
            "direction": direction,
        },
    )
