"""The enterprise's page: its vouchers, applications, placements with reasons, and payments."""

import json
from typing import Any

from django.db.models import Count, Max, Prefetch, Q, QuerySet, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import pgettext

from marketplace.models import Charge
from marketplace.portal.access import for_page, visitor_of
from marketplace.portal.draw_charts import stacked
from marketplace.portal.show_claims import claims_of, newest_answer
from marketplace.portal.show_window import windows_for
from marketplace.queries import visible_charges
from scheduling.models import Placement, Workload
from scheduling.policy import visible_placements, visible_relocations, visible_workloads
from vouchers.models import Voucher
from vouchers.policy import visible_applications, visible_vouchers
from vouchers.queries import with_spending

ROWS = 100  # newest rows of each list; the API pages through the rest


@for_page("enterprise")
def show_enterprise(request: HttpRequest) -> HttpResponse:
    """A fixed number of queries, whatever the number of rows."""
    actor = visitor_of(request).actor
    workloads = visible_workloads(actor)
    charges = visible_charges(actor)
    answer = newest_answer(actor)
    states = dict(
        workloads.values_list("state").annotate(number=Count("pk")).values_list("state", "number")
    )
    return render(
        request,
        "portal/enterprise.html",
        {
            "windows": windows_for(actor),
            "now": timezone.now(),
            "vouchers": [_with_bar(each) for each in _vouchers(visible_vouchers(actor))],
            "applications": visible_applications(actor)
            .select_related("applicant", "programme", "version", "reviewed_by", "approved_by")
            .order_by("-pk")[:ROWS],
            "claims": claims_of(actor),
            "best": json.loads(answer.answer) if answer else None,
            "workloads": _workloads(workloads, visible_placements(actor)),
            "relocations": visible_relocations(actor)
            .filter(state="suggested", valid_until__gt=timezone.now())
            .order_by("-carbon_saved_kg", "pk")[:ROWS],
            "workload_count": sum(states.values()),
            "unplaced_count": states.get(Workload.State.UNPLACED, 0),
            "rows": ROWS,
            "totals": charges.aggregate(
                count=Count("pk"),
                sum_total_fen=Sum("total_fen"),
                sum_voucher_fen=Sum("voucher_fen"),
                sum_own_fen=Sum("own_fen"),
                sum_energy_kwh=Sum("energy_kwh"),
                sum_carbon_kg=Sum("carbon_kg"),
                without_carbon=Count("pk", filter=Q(carbon_kg__isnull=True)),
                newest=Max("charged_at"),
            ),
            "charges": _charges(charges),
        },
    )


def _vouchers(rows: QuerySet[Voucher]) -> QuerySet[Voucher]:
    return with_spending(rows).order_by("valid_until", "pk")[:ROWS]


def _with_bar(voucher: Any) -> dict[str, Any]:
    """A voucher with its face value split: available, reserved, redeemed, lapsed."""
    parts = (
        (
            "c2",
            pgettext("money", "available"),
            voucher.available.balance_fen if voucher.available else 0,
        ),
        (
            "c3",
            pgettext("money", "reserved"),
            voucher.reserved.balance_fen if voucher.reserved else 0,
        ),
        ("c1", pgettext("money", "redeemed"), voucher.redeemed_fen),
        ("c5", pgettext("money", "lapsed"), voucher.lapsed_fen or 0),
    )
    return {"voucher": voucher, "bar": stacked(parts, whole=voucher.face_fen)}


def _workloads(rows: QuerySet[Workload], placements: QuerySet[Placement]) -> QuerySet[Workload]:
    shown = placements.select_related(
        "pool__facility__hub_area",
        "pool__accelerator",
        "rating",
        "order__charge__payment",
        "allocation__job__platform",
    ).order_by("-pk")
    return rows.prefetch_related(Prefetch("placements", shown)).order_by("-pk")[:ROWS]


def _charges(rows: QuerySet[Charge]) -> QuerySet[Charge]:
    return rows.select_related(
        "order__placement__workload", "order__provider", "order__redemption", "payment"
    ).order_by("-pk")[:ROWS]
