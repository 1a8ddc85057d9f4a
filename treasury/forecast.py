"""When will a budget be used up? A forecast with its interval, from what was promised so far.

Pure arithmetic on weekly sums (a week evens out its weekend). Promises of one week are taken as
independent draws with mean m and variance s² (n weeks seen, at most 26). What is promised in d
weeks then has mean m·d and variance s²·d + s²·d²/n: the first term is the scatter of the weeks to
come, the second that m itself is only estimated. The budget lasts until the quantile of that sum
reaches what is left; the interval is the 80 % band (quantiles 10 % and 90 %) of that date.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

WEEKS_SEEN = 26
LEAST_WEEKS = 4
HORIZON_WEEKS = 260
Z_80 = 1.2816  # the normal distribution's 90 % quantile


@dataclass(frozen=True)
class Exhaustion:
    """When a budget is expected to be used up. Dates are None beyond the horizon of five years."""

    known: bool
    why: str
    per_week_fen: int | None = None
    weeks_seen: int = 0
    earliest: date | None = None
    expected: date | None = None
    latest: date | None = None


def forecast_exhaustion(left_fen: int, weekly_fen: Sequence[int], *, today: date) -> Exhaustion:
    """Forecast from `weekly_fen`, the net promises of whole past weeks, oldest first.

    `known` is False, with the reason in `why`, when fewer than 4 weeks were seen, or nothing is
    being promised: an unknown date is not a late one.
    """
    if left_fen <= 0:
        return Exhaustion(True, "exhausted", None, 0, today, today, today)
    weeks = list(weekly_fen)[-WEEKS_SEEN:]
    if len(weeks) < LEAST_WEEKS:
        return Exhaustion(False, "fewer_than_four_weeks", None, len(weeks))
    mean = sum(weeks) / len(weeks)
    if mean <= 0:
        return Exhaustion(False, "nothing_is_promised", round(mean), len(weeks))
    spread = sum((each - mean) ** 2 for each in weeks) / (len(weeks) - 1)
    earliest, expected, latest = (
        _reached(left_fen, mean, spread, len(weeks), z) for z in (Z_80, 0.0, -Z_80)
    )
    return Exhaustion(
        True,
        "forecast",
        round(mean),
        len(weeks),
        *(
            None if each is None else today + timedelta(days=math.ceil(7 * each))
            for each in (earliest, expected, latest)
        ),
    )


def _reached(left: float, mean: float, spread: float, seen: int, z: float) -> float | None:
    """The number of weeks after which mean·d + z·√(spread·d + spread·d²/seen) reaches `left`."""

    def promised(weeks: float) -> float:
        return mean * weeks + z * math.sqrt(spread * weeks + spread * weeks * weeks / seen)

    low, high = 0.0, float(HORIZON_WEEKS)
    if promised(high) < left:
        return None
    # The sum may dip below zero for a few weeks when z < 0; afterwards it only rises.
    for _ in range(60):
        middle = (low + high) / 2
        if promised(middle) < left:
            low = middle
        else:
            high = middle
    return high
