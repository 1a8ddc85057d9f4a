"""Geometry of a simulation's pictures: bars from a middle line, to the right for more, to the left
for less; the template draws them as inline SVG."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from marketplace.portal.places import PROVINCES
from marketplace.portal.term_words import MORE_WORDS
from vouchers.rules.parameter_words import PARAMETER_WORDS

Row = tuple[str, int]
WIDTH, LABEL, STEP, BAR = 560, 185, 22, 14
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
        bars(_("By size of enterprise"), _sized(report.get("by_size"))),
        bars(_("By district"), _placed(report.get("by_district"))),
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
                (f"{'−' if key == 'tenth_less_fen' else '+'} {_named(row['pointer'])}", row[key])
                for row in sorted(report.get("sensitivity") or (), key=_weight)
                for key in ("tenth_less_fen", "tenth_more_fen")
                if row[key] is not None
            ),
        ),
    )
    return [each for each in found if each is not None]


def _weight(row: Mapping[str, Any]) -> int:
    """What moves the cost most comes first."""
    return -max(abs(row[key] or 0) for key in ("tenth_less_fen", "tenth_more_fen"))


def _largest(by: Mapping[str, int] | None) -> list[Row]:
    return sorted((by or {}).items(), key=lambda row: (-row[1], row[0]))


def _sized(by: Mapping[str, int] | None) -> list[Row]:
    return [(_word(MORE_WORDS.get(size, (size, size))), fen) for size, fen in _largest(by)]


def _placed(by: Mapping[str, int] | None) -> list[Row]:
    """Codes of districts with their province."""
    return [
        (f"{adcode} {_word(PROVINCES.get(adcode[:2] + '0000', ('', '')))}".strip(), fen)
        for adcode, fen in _largest(by)
    ]


def _named(pointer: str) -> str:
    """A parameter in words: /benefit/lines/0/rate is "Benefit 1: the rate"."""
    words = {**PARAMETER_WORDS, **MORE_WORDS}
    section, *inner = pointer.strip("/").split("/")
    rows = " ".join(str(int(part) + 1) for part in inner if part.isdigit())
    last = next((part for part in reversed(inner) if not part.isdigit()), section)
    title, what = (_word(words.get(part, (part, part))) for part in (section, last))
    return f"{title} {rows}: {what}".replace(" :", ":")


def _word(words: tuple[str, str]) -> str:
    return words[1 if (get_language() or "").startswith("zh") else 0]
