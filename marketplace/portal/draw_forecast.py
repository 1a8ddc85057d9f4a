"""Geometry of a budget's forecast: what was left week by week, and the fan in which it runs out."""

from datetime import date, timedelta
from typing import Any

from treasury.budget_use import BudgetUse

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 760, 190, 12, 12, 14, 28
SHOWN_AHEAD = timedelta(weeks=78)


def forecast_fan(use: BudgetUse, *, today: date) -> dict[str, Any] | None:
    """The picture of `use`; None before anything was promised.

    The line is what was left at the end of each week (without what was added meanwhile, so it
    begins where today's budget would have begun); the fan opens from today to the 80 % interval.
    """
    if not use.weeks or use.appropriated_fen <= 0:
        return None
    found = use.exhaustion
    first = use.weeks[0].week
    ends = [each for each in (found.expected, found.latest) if each is not None]
    last = min(max([*ends, today + timedelta(weeks=4)]), today + SHOWN_AHEAD)
    days = max(1, (last - first).days)
    top_fen = max(use.appropriated_fen, use.left_fen + sum(w.promised_fen for w in use.weeks), 1)

    def x_of(day: date) -> float:
        share = min(1.0, max(0.0, (day - first).days / days))
        return round(LEFT + share * (WIDTH - LEFT - RIGHT), 1)

    def y_of(fen: float) -> float:
        return round(TOP + (1 - fen / top_fen) * (HEIGHT - TOP - BOTTOM), 1)

    left_fen = use.left_fen + sum(week.promised_fen for week in use.weeks)
    line = [(x_of(first), y_of(left_fen))]
    for week in use.weeks:
        left_fen -= week.promised_fen
        line.append((x_of(min(week.week + timedelta(days=7), today)), y_of(left_fen)))
    picture: dict[str, Any] = {
        "width": WIDTH,
        "height": HEIGHT,
        "zero_y": y_of(0),
        "top_y": y_of(top_fen),
        "left": LEFT,
        "right": WIDTH - RIGHT,
        "label_y": HEIGHT - 8,
        "line": " ".join(f"{x},{y}" for x, y in line),
        "today_x": x_of(today),
        "today_y": y_of(use.left_fen),
        "first": first,
        "last": last,
        "fan": None,
        "middle": None,
    }
    if found.known and found.earliest is not None and use.left_fen > 0:
        picture["fan"] = " ".join(
            f"{x},{y}"
            for x, y in (
                (x_of(today), y_of(use.left_fen)),
                _end(found.latest, today, last, use.left_fen, x_of, y_of),
                (x_of(min(found.earliest, last)), y_of(0)),
            )
        )
        picture["middle"] = _end(found.expected, today, last, use.left_fen, x_of, y_of)
    return picture


def _end(
    day: date | None, today: date, last: date, left_fen: int, x_of: Any, y_of: Any
) -> tuple[float, float]:
    """Where the straight line from today's rest to zero on `day` leaves the picture."""
    if day is None:
        return x_of(last), y_of(left_fen)
    if day <= last:
        return x_of(day), y_of(0)
    share = (last - today).days / max(1, (day - today).days)
    return x_of(last), y_of(left_fen * (1 - share))
