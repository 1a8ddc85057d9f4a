"""Geometry of a simulation's pictures: bars from a middle line, to the right for more, to the left
for less; the template draws them as inline SVG."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Row = tuple[str, int]
WIDTH, LABEL, STEP, BAR = 760, 210, 22, 14
ROOM = WIDTH - LABEL - 130
SHOWN = 24


def bars(title: Promise | str, rows: Iterable[Row], *, unit: str = "fen") -> dict[str, Any] | None:
    """One picture of signed rows (label, value), or None without any. `unit`: fen or claims."""
    shown = list(rows)[:SHOWN]
    if not any(value for _label, value in shown):
        return None
    most = max(abs(value) for _label, value in shown)
    negative = max((-value for _label, value in shown if value < 0), default=0)
    positive = max((value for _label, value in shown if value > 0), default=0)
    scale = ROOM / (negative + positive or most)
    zero = LABEL + negative * scale
    return {
        "title": title,
        "unit": unit,
        "width": WIDTH,
        "height": len(shown) * STEP + 4,
        "zero": round(zero, 1),
        "label_x": LABEL - 8,
        "bar": BAR,
        "rows": [
            {
                "label": label,
                "value": value,
                "y": number * STEP + 3,
                "text_y": number * STEP + 15,
                "x": round(zero + min(value, 0) * scale, 1),
                "bar_width": round(max(abs(value) * scale, 1), 1),
                "value_x": round(zero + max(value, 0) * scale + 6, 1),
                "css": "wbar" if value < 0 else "hbar",
            }
            for number, (label, value) in enumerate(shown)
        ],
    }


def pictures(report: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Every picture a report has something for, in the order an approver reads them."""
    against = report.get("against_current") or {}
    moved = [*against.get("lose_most", ()), *reversed(against.get("win_most", ()))]
    found = (
        bars(_("Cost by month"), (report.get("cost_by_month") or {}).items()),
        bars(_("By size of enterprise"), _largest(report.get("by_size"))),
        bars(_("By district"), _largest(report.get("by_district"))),
        bars(
            _("Who loses and who wins most against the terms in force"),
            ((row["enterprise"], row["change_fen"]) for row in moved),
        ),
        bars(
            _("Claims just below and just above each cliff"),
            (
                (f"{'＜' if side == 'below' else '≥'} {cliff['at_fen'] / 100:,.0f}", cliff[side])
                for cliff in report.get("cliffs") or ()
                for side in ("below", "above")
            ),
            unit="claims",
        ),
        bars(
            _("Sensitivity: a tenth less (−) and a tenth more (+) of each parameter"),
            (
                (f"{'−' if key == 'tenth_less_fen' else '+'} {_tail(row['pointer'])}", row[key])
                for row in report.get("sensitivity") or ()
                for key in ("tenth_less_fen", "tenth_more_fen")
                if row[key] is not None
            ),
        ),
    )
    return [each for each in found if each is not None]


def _largest(by: Mapping[str, int] | None) -> list[Row]:
    return sorted((by or {}).items(), key=lambda row: (-row[1], row[0]))


def _tail(pointer: str) -> str:
    """The end of a JSON pointer, short enough for a label."""
    return pointer if len(pointer) <= 28 else f"…{pointer[-27:]}"
