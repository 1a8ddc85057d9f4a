"""A version on trial: its worked examples, its simulations with their pictures, and, for terms that
reach back, what they change. The page reads; the API runs and signs with the reader's rights."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from marketplace.portal.access import for_page, visitor_of
from marketplace.portal.draw_simulation import pictures
from marketplace.portal.show_public import clauses_of
from vouchers.policy import APPROVERS, DECIDERS, DRAFTERS, versions_on_trial

DIFFERENCES, RUNS = 100, 8


@for_page("officer")
def show_trial(request: HttpRequest, version_id: int) -> HttpResponse:
    """A fixed number of queries, whatever the number of claims and differences."""
    actor = visitor_of(request).actor
    version = get_object_or_404(
        versions_on_trial(actor).select_related(
            "programme", "drafted_by", "approved_by_1", "approved_by_2", "approved_by_3"
        ),
        pk=version_id,
    )
    runs = list(
        version.simulations.select_related("run_by", "compared_to__programme").order_by("-pk")[
            :RUNS
        ]
    )
    newest = runs[0] if runs else None
    recomputation = version.recomputations.order_by("-pk").first()
    return render(
        request,
        "portal/trial.html",
        {
            "version": version,
            "clauses": clauses_of(version.terms),
            "cases": version.test_cases.order_by("pk"),
            "runs": runs,
            "newest": newest,
            "pictures": pictures(newest.report) if newest else [],
            "recomputation": recomputation,
            "differences": (
                recomputation.differences.select_related(
                    "beneficiary", "application", "claim", "award", "window_answer__window"
                ).order_by("pk")[:DIFFERENCES]
                if recomputation
                else []
            ),
            "may_try": actor.has(*DRAFTERS, *APPROVERS)
            and version.state in ("draft", "submitted", "half_approved", "twice_approved"),
            "may_raise": actor.has(*DECIDERS) and version.state in ("approved", "superseded"),
        },
    )
