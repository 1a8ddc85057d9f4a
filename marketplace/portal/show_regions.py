"""What an office agreed with other regions, what they owe each other, and their clearings."""

from django.db.models import Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from marketplace.portal.access import for_page, visitor_of
from vouchers.policy import visible_acceptances, visible_clearings, visible_entries

ROWS = 100


@for_page("officer")
def show_regions(request: HttpRequest) -> HttpResponse:
    """A fixed number of queries."""
    actor = visitor_of(request).actor
    open_entries = visible_entries(actor).exclude(clearing__state__in=["confirmed", "settled"])
    return render(
        request,
        "portal/regions.html",
        {
            "agreements": visible_acceptances(actor)
            .annotate(accepted_fen=Sum("spendings__amount_fen", default=0))
            .order_by("-pk")[:ROWS],
            "standing": open_entries.order_by()
            .values("debtor__name", "creditor__name", "budget_year")
            .annotate(fen=Sum("amount_fen"))
            .order_by("budget_year", "debtor__name", "creditor__name"),
            "entries": open_entries.order_by("-pk")[:ROWS],
            "clearings": visible_clearings(actor)
            .select_related("closed_by", "confirmed_by_one", "confirmed_by_other")
            .order_by("-pk")[:ROWS],
            "rows": ROWS,
        },
    )
