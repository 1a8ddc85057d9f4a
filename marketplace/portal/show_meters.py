"""The provider's meters: the year by month, gaps, what was set aside; and plausibility cases."""

from datetime import timedelta
from typing import Any

from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from marketplace.portal.access import for_page, visitor_of
from providers.green.exact import civil_day, months_later
from providers.models import Meter, MeterMonth, PlausibilityCase
from providers.queries import visible_cases, visible_gaps, visible_meter_keys, visible_meters
from providers.queries import visible_readings as readings_visible

ROWS, MONTHS = 100, 13


@for_page("provider")
def show_meters(request: HttpRequest) -> HttpResponse:
    """A fixed number of queries, whatever the number of rows."""
    actor, now = visitor_of(request).actor, timezone.now()
    this = civil_day(now).replace(day=1)
    months = [months_later(this, -number) for number in range(MONTHS)]
    meters = list(visible_meters(actor).select_related("facility", "pool").order_by("pk")[:ROWS])
    return render(
        request,
        "portal/meters.html",
        {
            "months": months,
            "meters": _by_month(meters, months),
            "gaps": visible_gaps(actor)
            .filter(closed_at=None)
            .select_related("meter__facility")
            .order_by("-missing")[:ROWS],
            "aside": readings_visible(actor)
            .filter(state="quarantined", starts_at__gte=now - timedelta(days=400))
            .values("meter__code", "meter__facility__name", "reason")
            .annotate(count=Count("id"))
            .order_by("meter__code", "reason")[:ROWS],
            "keys": visible_meter_keys(actor).order_by("-pk")[:ROWS],
            "cases": visible_cases(actor).order_by("-pk")[:ROWS],
        },
    )


def _by_month(meters: list[Meter], months: list[Any]) -> list[dict[str, Any]]:
    found: dict[int, dict[Any, MeterMonth]] = {}
    for each in MeterMonth.objects.filter(meter__in=meters, month__in=months):
        found.setdefault(each.meter_id, {})[each.month] = each
    return [
        {"meter": meter, "cells": [found.get(meter.pk, {}).get(month) for month in months]}
        for meter in meters
    ]


def _cases(request: HttpRequest) -> HttpResponse:
    rows = visible_cases(visitor_of(request).actor)
    waiting = rows.filter(state__in=["raised", "answered"]).order_by("-pk")[:ROWS]
    decided = rows.exclude(state__in=["raised", "answered"]).order_by("-decided_at")[:ROWS]
    return render(
        request,
        "portal/cases.html",
        {"waiting": waiting, "decided": decided, "checks": PlausibilityCase.Check},
    )


show_cases_to_officers = for_page("officer")(_cases)
show_cases_to_auditors = for_page("auditor")(_cases)
