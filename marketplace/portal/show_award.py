"""One award as its office sees it: the basis row by row, who signed, and what was corrected."""

import json
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import get_language

from identity.models import Organization
from marketplace.portal.access import for_page, visitor_of
from vouchers.green_gates import stated_gates
from vouchers.models import AwardBasis
from vouchers.policy import visible_awards

ROWS = 500


@for_page("officer")
def show_award(request: HttpRequest, award_id: int) -> HttpResponse:
    """A fixed number of queries, whatever the number of trades."""
    awards = visible_awards(visitor_of(request).actor)
    award = get_object_or_404(awards.select_related("proposed_by"), pk=award_id)
    basis = award.bases.filter(number=0).first()  # none where it was stated
    return render(
        request,
        "portal/award.html",
        {
            "award": award,
            "reviews": award.reviews.select_related("reviewer").order_by("position"),
            "basis": _told(basis) if basis else None,
            "corrections": [
                {"correction": each, "basis": each.basis}
                for each in award.corrections.select_related(
                    "basis", "approved_by_1", "approved_by_2", "payable"
                )
                .prefetch_related("recoveries")
                .order_by("pk")
            ],
            "objections": award.objections.select_related("decided_by").order_by("pk"),
            "gates": stated_gates(award.version.terms, award.facts),
            "rows": ROWS,
        },
    )


def _told(basis: AwardBasis) -> dict[str, Any]:
    """The document with names beside USCCs, its excluded rows first."""
    document = json.loads(basis.document)
    usccs = {row[party] for row in document["trades"] for party in ("buyer", "seller")}
    names = dict(Organization.objects.filter(uscc__in=usccs).values_list("uscc", "name"))
    chinese = (get_language() or "").startswith("zh")
    reasons: dict[int, list[dict[str, Any]]] = {}
    for each in document["exclusions"]:
        text = each["text_zh" if chinese else "text_en"]
        reasons.setdefault(each["order"], []).append({**each, "text": text})
    trades = [
        {
            **row,
            "buyer_name": names.get(row["buyer"], row["buyer"]),
            "seller_name": names.get(row["seller"], row["seller"]),
            "exclusions": reasons.get(row["order"], []),
            "counted_fen": row["total_fen"]
            - sum(each["amount_fen"] for each in reasons.get(row["order"], [])),
        }
        for row in document["trades"]
    ]
    trades.sort(key=lambda row: (not row["exclusions"], row["order"]))
    return {"basis": basis, "document": document, "trades": trades[:ROWS], "total": len(trades)}
