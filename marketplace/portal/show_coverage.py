"""Issuer by issuer: what is known of its rules, by which evidence, and that it runs."""

from collections import Counter
from itertools import groupby
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from vouchers.presets import coverage
from vouchers.presets.coverage import CoverageRow

# How far a preset is: it opens as it is, waits for what its source does not say, or pays nothing.
STANDINGS = (("opens", "c1"), ("complete", "c2"), ("incomplete", "c3"), ("no_payout", "c5"))


def show_coverage(request: HttpRequest) -> HttpResponse:
    """The same rows as `manage.py policy_coverage`; no query."""
    rows = sorted(coverage(timezone.now()), key=lambda row: (row.adcode, row.family, row.preset))
    regions = [
        _region(list(members)) for _adcode, members in groupby(rows, key=lambda row: row.adcode)
    ]
    counts = Counter(_standing(row) for row in rows)
    return render(
        request,
        "portal/coverage.html",
        {
            "regions": regions,
            "named": sum(region["named"] for region in regions),
            "named_opening": sum(region["named"] and region["opening"] > 0 for region in regions),
            "standings": [
                {
                    "code": code,
                    "css": css,
                    "count": counts[code],
                    "share": f"{100 * counts[code] / len(rows):.3f}%",
                }
                for code, css in STANDINGS
            ],
            "total": len(rows),
            "mechanics": sorted(Counter(m for row in rows for m in row.mechanics).items()),
        },
    )


def _standing(row: CoverageRow) -> str:
    return "opens" if row.openable else row.state


def _region(rows: list[CoverageRow]) -> dict[str, Any]:
    css = dict(STANDINGS)
    return {
        "adcode": rows[0].adcode,
        "name": rows[0].region_zh,
        "named": any(row.seed_named for row in rows),
        "opening": sum(row.openable for row in rows),
        "rows": [
            {"row": row, "standing": _standing(row), "css": css[_standing(row)]} for row in rows
        ],
    }
