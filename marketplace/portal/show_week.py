"""One week of the market: capacity, load, scarcity, prices and carbon, and one job explained."""

from datetime import datetime, timedelta
from typing import Any

import numpy as np
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from audit.decisions import Actor
from marketplace.portal.access import for_page, visitor_of
from marketplace.portal.draw_heat import heat_map, load_chart, outline
from marketplace.portal.places import province_texts
from marketplace.templatetags.portal import text_of, word
from providers.models import AcceleratorModel
from scheduling.models import MatchRun, Placement
from scheduling.policy import may_see_runs, visible_placements
from scheduling.read_archive import story_of
from scheduling.read_week import Week, WeekRow, newest_week, week_of

HOUR = timedelta(hours=1)
LANES, RUNS, JOBS = 24, 8, 12


@for_page("week")
def show_week(request: HttpRequest, run_id: int | None = None) -> HttpResponse:
    """The newest planned week, or that of `run_id`; `?job=` picks the workload to explain."""
    actor = visitor_of(request).actor
    shown = MatchRun.objects.filter(archive__isnull=False)
    run = newest_week() if run_id is None else get_object_or_404(shown, pk=run_id)
    context: dict[str, Any] = {"run": run, "runs": _runs(actor)}
    if run is not None:
        week = week_of(run)
        lanes = sorted(week.rows, key=_weight)[:LANES]
        lanes.sort(key=lambda row: (row.adcode, row.kind))
        context |= _charts(week, lanes) | _job(request, actor, week, lanes)
    return render(request, "portal/week.html", context)


def _weight(row: WeekRow) -> float:
    """The busiest lanes first."""
    return -float(row.planned.sum() + row.before.sum())


def _charts(week: Week, lanes: list[WeekRow]) -> dict[str, Any]:
    models = dict(AcceleratorModel.objects.values_list("code", "model"))
    labels = [
        f"{text_of(province_texts(row.adcode))} · {models.get(row.kind, row.kind)}" for row in lanes
    ]
    at = week.starts_at
    flat = {signal.adcode: signal for signal in week.signals}
    provinces = sorted({row.adcode for row in lanes} & set(flat))
    total = np.zeros(week.hours)
    return {
        "ends_at": at + week.hours * HOUR,
        "hidden": max(0, len(week.rows) - len(lanes)),
        "load": load_chart(
            sum((row.capacity for row in week.rows), total),
            sum((row.before for row in week.rows), total),
            sum((row.planned for row in week.rows), total),
            starts_at=at,
        ),
        "shadow": heat_map(
            [(label, row.shadow_fen) for label, row in zip(labels, lanes, strict=True)],
            starts_at=at,
            zero_is_nothing=True,
        ),
        "price": heat_map(
            [(label, row.price_fen) for label, row in zip(labels, lanes, strict=True)],
            starts_at=at,
        ),
        "used": heat_map(
            [(label, row.load * 100) for label, row in zip(labels, lanes, strict=True)],
            starts_at=at,
            zero_is_nothing=True,
        ),
        "carbon": heat_map(
            [
                (
                    f"{text_of(province_texts(code))} · {word(flat[code].quality)}",
                    flat[code].kg_per_kwh,
                )
                for code in provinces
            ],
            starts_at=at,
        ),
        "signals": [flat[code] for code in provinces],
    }


def _job(request: HttpRequest, actor: Actor, week: Week, lanes: list[WeekRow]) -> dict[str, Any]:
    """The job asked for, else the visible one of this run that others pressed hardest."""
    mine = visible_placements(actor).filter(run=week.run)
    asked = request.GET.get("job", "")
    if asked.isdigit():
        placement = mine.filter(workload_id=int(asked)).first()
    else:
        placement = mine.order_by("-price_fen", "pk").first()
    if placement is None:
        return {"job": None}
    lane = next(
        (
            number
            for number, row in enumerate(lanes)
            if row.adcode[:2] == placement.pool.facility.adcode[:2]
            and row.kind == placement.pool.accelerator.code
        ),
        None,
    )
    return {
        "job": placement,
        "story": story_of(placement),
        "frames": [] if lane is None else outline(lane, _spans(placement, week.starts_at)),
        "jobs": mine.order_by("-price_fen", "pk")[:JOBS],
    }


def _spans(placement: Placement, starts_at: datetime) -> list[tuple[int, int]]:
    return [
        tuple((datetime.fromisoformat(end) - starts_at) // HOUR for end in segment)  # type: ignore[misc]
        for segment in placement.segments
    ]


def _runs(actor: Actor) -> list[MatchRun]:
    """How the newest runs went, for those who may see runs."""
    if not may_see_runs(actor):
        return []
    return list(MatchRun.objects.defer("inputs").filter(parent=None).order_by("-pk")[:RUNS])
