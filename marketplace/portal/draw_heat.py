"""Geometry of heat maps and of the load chart; the templates draw it as inline SVG."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
from django.utils.timezone import localtime
from numpy.typing import NDArray

LEFT, CELL, ROW, TOP, STEPS = 236, 5.6, 17, 22, 7
LOAD_HEIGHT = 150
HOUR = timedelta(hours=1)
Series = NDArray[np.float64]


def day_marks(starts_at: datetime, hours: int) -> list[dict[str, Any]]:
    """A mark at every midnight in Shanghai."""
    first = localtime(starts_at)
    until = (24 - first.hour) % 24
    return [
        {"x": round(LEFT + hour * CELL, 1), "label": f"{localtime(starts_at + hour * HOUR):%m-%d}"}
        for hour in range(until, hours, 24)
    ]


def heat_map(
    rows: Sequence[tuple[str, Series]], *, starts_at: datetime, zero_is_nothing: bool = False
) -> dict[str, Any]:
    """One lane a row, colored in STEPS steps between the smallest and largest figure.

    Hours of the same color are drawn as one; NaN (nothing open) is left blank. With
    `zero_is_nothing` the first step is kept for exactly zero.
    """
    hours = max((len(series) for _label, series in rows), default=0)
    known = [series[np.isfinite(series)] for _label, series in rows]
    every = np.concatenate(known) if known else np.zeros(0)
    low = 0.0 if zero_is_nothing else (float(every.min()) if len(every) else 0.0)
    high = float(every.max()) if len(every) else 0.0
    lanes = []
    for number, (label, series) in enumerate(rows):
        level = _levels(series, low, high, zero_is_nothing)
        cuts = np.concatenate([[0], np.flatnonzero(np.diff(level)) + 1, [len(level)]])
        lanes.append(
            {
                "label": label,
                "y": TOP + number * ROW,
                "text_y": TOP + number * ROW + 12,
                "cells": [
                    {
                        "x": round(LEFT + int(first) * CELL, 1),
                        "width": round(int(last - first) * CELL, 1),
                        "level": int(level[first]),
                    }
                    for first, last in pairwise(cuts)
                    if last > first and level[first] >= 0
                ],
            }
        )
    bottom = TOP + len(rows) * ROW
    return {
        "lanes": lanes,
        "marks": day_marks(starts_at, hours),
        "width": round(LEFT + hours * CELL + 8),
        "height": bottom + 6,
        "bottom": bottom,
        "top": TOP,
        "label_x": LEFT - 8,
        "cell_height": ROW - 2,
        "low": low,
        "high": high,
        "levels": range(STEPS),
    }


def _levels(series: Series, low: float, high: float, zero_is_nothing: bool) -> NDArray[np.int64]:
    level = np.full(len(series), -1, np.int64)
    known = np.isfinite(series)
    if high <= low:
        level[known] = 0 if zero_is_nothing and high <= 0 else STEPS // 2
        return level
    share = (series[known] - low) / (high - low)
    if zero_is_nothing:
        level[known] = np.where(series[known] <= 0.5, 0, 1 + np.floor(share * (STEPS - 1.001)))
    else:
        level[known] = np.floor(share * (STEPS - 0.001))
    return level


def load_chart(
    capacity: Series, before: Series, planned: Series, *, starts_at: datetime
) -> dict[str, Any]:
    """Open units as an outline, promised before and planned now as areas one on the other."""
    hours, most = len(capacity), float(capacity.max(initial=1.0)) or 1.0

    def y(value: float) -> float:
        return round(TOP + LOAD_HEIGHT * (1 - value / most), 1)

    def steps(series: Series) -> list[str]:
        return [
            f"{round(LEFT + (hour + edge) * CELL, 1)},{y(float(series[hour]))}"
            for hour in range(hours)
            for edge in (0, 1)
        ]

    def area(upper: Series, lower: Series) -> str:
        return " ".join([*steps(upper), *reversed(steps(lower))])

    floor = np.zeros(hours)
    ticks = [most * part for part in (0.0, 0.5, 1.0)]
    return {
        "outline": " ".join(steps(capacity)),
        "before": area(before, floor),
        "planned": area(before + planned, before),
        "ticks": [{"y": y(tick), "label": f"{tick:,.0f}"} for tick in ticks],
        "marks": day_marks(starts_at, hours),
        "width": round(LEFT + hours * CELL + 8),
        "height": TOP + LOAD_HEIGHT + 24,
        "bottom": TOP + LOAD_HEIGHT,
        "top": TOP,
        "left": LEFT,
        "label_x": LEFT - 8,
        "right": round(LEFT + hours * CELL, 1),
    }


def outline(lane: int, spans: Sequence[tuple[int, int]]) -> list[dict[str, Any]]:
    """Frames around hours of one lane: where a job runs."""
    return [
        {
            "x": round(LEFT + first * CELL, 1),
            "y": TOP + lane * ROW - 1,
            "width": round((last - first) * CELL, 1),
            "height": ROW,
        }
        for first, last in spans
    ]
