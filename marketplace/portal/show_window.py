"""A claim window as its people see it: an enterprise its claim, an officer the rush."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.db import connection
from django.db.models import Count, QuerySet, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from audit.decisions import Actor
from identity.policy import sees_everything
from marketplace.portal.access import PAGES, visitor_of
from vouchers.claiming.claim_batch import REASONS, reason_code
from vouchers.models import ClaimWindow, WindowAnswer
from vouchers.policy import visible_windows
from vouchers.queries import live_window

ROWS, BARS = 100, 60
CHART_WIDTH, CHART_HEIGHT, CHART_BOTTOM = 760, 160, 130

# Claims in equal slices from the first arrival to the last: when, how many granted, how many not.
SLICES = """
WITH span AS (
    SELECT MIN(arrived_at) AS began, GREATEST(MAX(arrived_at), MIN(arrived_at) + interval '1 s')
           + interval '1 microsecond' AS ended
      FROM vouchers_windowanswer WHERE window_id = %s
)
SELECT width_bucket(EXTRACT(EPOCH FROM a.arrived_at), EXTRACT(EPOCH FROM s.began),
                    EXTRACT(EPOCH FROM s.ended), %s) AS slice,
       COUNT(a.granted_fen), COUNT(*) - COUNT(a.granted_fen), MIN(s.began), MAX(s.ended)
  FROM vouchers_windowanswer a CROSS JOIN span s
 WHERE a.window_id = %s GROUP BY slice ORDER BY slice
"""


def windows_for(actor: Actor) -> QuerySet[ClaimWindow]:
    """The newest windows an enterprise may claim in, or an office runs."""
    rows = visible_windows(actor).order_by("-opens_at", "-pk")
    if actor.has(*PAGES["officer"][1]) and not sees_everything(actor):
        rows = rows.filter(programme__issuer=actor.organization_id)
    return rows[:12]


@login_required
def show_window(request: HttpRequest, window_id: int) -> HttpResponse:
    """A fixed number of queries, whatever the number of claims."""
    visitor = visitor_of(request)
    window = get_object_or_404(visible_windows(visitor.actor), pk=window_id)
    runs_it = sees_everything(visitor.actor) or (
        visitor.may_open("officer") and window.programme.issuer_id == visitor.actor.organization_id
    )
    answer = (
        WindowAnswer.objects.select_related("voucher")
        .filter(window=window, enterprise=visitor.actor.organization_id)
        .first()
    )
    shown: dict[str, Any] = {
        "window": window,
        "live": live_window(window),
        "runs_it": runs_it,
        "may_claim": visitor.may_open("enterprise") and not runs_it,
        "answer": answer,
        "reason": answer
        and REASONS[reason_code(answer.state, answer.asked_fen, answer.granted_fen)],
        "rows": ROWS,
    }
    if runs_it:
        answers = WindowAnswer.objects.filter(window=window)
        shown["counts"] = (
            answers.order_by()
            .values("state")
            .annotate(number=Count("pk"), fen=Sum("granted_fen"))
            .order_by("state")
        )
        shown["answers"] = answers.select_related("enterprise", "voucher").order_by("-pk")[:ROWS]
        shown["chart"] = claims_over_time(window)
        shown["words"] = dict(WindowAnswer.State.choices)
    return render(request, "portal/window.html", shown)


def claims_over_time(window: ClaimWindow) -> dict[str, Any]:
    """Stacked bars of claims by arrival: granted below, all others above; None when nobody came."""
    with connection.cursor() as cursor:
        cursor.execute(SLICES, [window.pk, BARS, window.pk])
        slices = cursor.fetchall()
    if not slices:
        return {}
    tallest = max(granted + others for _slice, granted, others, *_span in slices)
    step = CHART_WIDTH / BARS
    bars = []
    for number, granted, others, _began, _ended in slices:
        low, high = (round(part / tallest * (CHART_BOTTOM - 20), 1) for part in (granted, others))
        bars.append(
            {
                "x": round((number - 1) * step, 1),
                "granted": granted,
                "others": others,
                "granted_y": round(CHART_BOTTOM - low, 1),
                "granted_height": low,
                "others_y": round(CHART_BOTTOM - low - high, 1),
                "others_height": high,
            }
        )
    return {
        "bars": bars,
        "bar_width": round(step - 2, 1),
        "width": CHART_WIDTH,
        "height": CHART_HEIGHT,
        "bottom": CHART_BOTTOM,
        "label_y": CHART_BOTTOM + 18,
        "tallest": tallest,
        "began": slices[0][3],
        "ended": slices[0][4],
        "seconds_a_bar": round((slices[0][4] - slices[0][3]).total_seconds() / BARS, 3),
    }
