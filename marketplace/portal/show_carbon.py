"""The enterprise's carbon of a month, two ledgers side by side."""

from datetime import date

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import get_language

from marketplace.carbon_statement import carbon_statement
from marketplace.portal.access import for_page, visitor_of
from providers.green.exact import civil_day, months_later


@for_page("enterprise")
def show_carbon(request: HttpRequest) -> HttpResponse:
    """`?month=YYYY-MM`, this month without it. A fixed number of queries."""
    now, visitor = timezone.now(), visitor_of(request)
    if visitor.organization is None:
        raise Http404
    this = civil_day(now).replace(day=1)
    try:
        month = date.fromisoformat(f"{request.GET.get('month') or f'{this:%Y-%m}'}-01")
    except ValueError:
        raise Http404 from None
    statement = carbon_statement(visitor.organization, month=month, at=now)
    chinese = (get_language() or "en").startswith("zh")
    return render(
        request,
        "portal/carbon.html",
        {
            "statement": statement,
            # An auditor looks in; the files are an enterprise's own, or asked for by its number.
            "own": visitor.organization.kind == "enterprise",
            "told": statement.as_dict(),
            "method": [zh if chinese else en for en, zh in statement.method],
            "before": months_later(month, -1),
            "after": months_later(month, 1) if month < this else None,
        },
    )
