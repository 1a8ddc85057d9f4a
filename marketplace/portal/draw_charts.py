"""Geometry of the small pictures; the templates draw it as inline SVG."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from scheduling.models import Platform

BAR_HEIGHT, BAR_GAP, LABEL_WIDTH, BAR_WIDTH = 16, 6, 130, 560
TIMELINE_WIDTH, TIMELINE_LEFT, TIMELINE_TOP = 1100, 30, 34


def ranked_bars(rows: Sequence[tuple[Mapping[str, str], Decimal]]) -> dict[str, Any]:
    """Horizontal bars in the order given, the longest filling the width."""
    largest = max((value for _name, value in rows), default=Decimal(1)) or Decimal(1)
    step = BAR_HEIGHT + BAR_GAP
    bars = [
        {
            "name": name,
            "value": value,
            "y": number * step,
            "text_y": number * step + 12,
            "width": round(float(value / largest) * BAR_WIDTH, 1),
            "value_x": LABEL_WIDTH + round(float(value / largest) * BAR_WIDTH, 1) + 6,
        }
        for number, (name, value) in enumerate(rows)
    ]
    return {
        "bars": bars,
        "height": max(1, len(rows)) * step,
        "width": LABEL_WIDTH + BAR_WIDTH + 70,
        "label_x": LABEL_WIDTH - 8,
        "bar_x": LABEL_WIDTH,
        "bar_height": BAR_HEIGHT,
    }


def platform_timeline(platforms: Iterable[Platform]) -> dict[str, Any]:
    """One dot for each platform at its printed date, on the lane of its order within the month."""
    rows = sorted(platforms, key=lambda each: (each.status_date, each.sequence))
    if not rows:
        return {"dots": [], "years": [], "width": TIMELINE_WIDTH, "height": 1}
    first = date(rows[0].status_date.year, rows[0].status_date.month, 1)
    days = max(30, (rows[-1].status_date - first).days + 20)

    def x_of(day: date) -> float:
        return round(TIMELINE_LEFT + (day - first).days / days * (TIMELINE_WIDTH - 60), 1)

    dots: list[dict[str, Any]] = []
    for platform in rows:
        x, lane = x_of(platform.status_date), 0
        while any(dot["lane"] == lane and x - dot["x"] < 26 for dot in dots):
            lane += 1
        dots.append({"platform": platform, "x": x, "lane": lane, "y": TIMELINE_TOP + lane * 27})
    lanes = 1 + max(dot["lane"] for dot in dots)
    bottom = TIMELINE_TOP + lanes * 27
    months = [
        date(year, month, 1)
        for year in range(first.year, rows[-1].status_date.year + 1)
        for month in (1, 4, 7, 10)
    ]
    marks = [
        {"x": x_of(day), "label": f"{day:%Y-%m}"}
        for day in months
        if first <= day <= rows[-1].status_date
    ]
    return {
        "dots": dots,
        "marks": marks,
        "width": TIMELINE_WIDTH,
        "height": bottom + 26,
        "bottom": bottom,
        "label_y": bottom + 18,
    }


def stacked(parts: Sequence[tuple[str, Any, int]], *, whole: int | None = None) -> dict[str, Any]:
    """(class, label, fen) as shares of `whole` for a stacked bar; empty parts keep their legend."""
    total = whole if whole is not None else sum(amount for _class, _label, amount in parts)
    return {
        "whole_fen": total,
        "parts": [
            {
                "css": css,
                "label": label,
                "amount_fen": amount,
                "share": f"{100 * amount / total:.3f}%" if total and amount > 0 else "0%",
            }
            for css, label, amount in parts
        ],
    }
