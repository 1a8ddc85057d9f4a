"""The bound of all carbon figures: jobs together never draw more than their facility metered."""

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TypeVar

from .exact import QUANTITY, ZERO, exact_arithmetic
from .plausibility import MEASUREMENT, Suspicion, in_figures, plain

Job = TypeVar("Job", bound=Hashable)
HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class ExceededHour:
    """A clock hour for which the jobs together asked for more than the facility metered."""

    starts_at: datetime
    asked_kwh: Decimal
    metered_kwh: Decimal


def by_clock_hour(
    starts_at: datetime, ends_at: datetime, kwh: Decimal
) -> Iterator[tuple[datetime, Decimal]]:
    """`kwh` spread evenly over [starts_at, ends_at), as (start of the clock hour, its part)."""
    hour = starts_at.replace(minute=0, second=0, microsecond=0)
    length = (ends_at - starts_at) / timedelta(microseconds=1)
    while hour < ends_at:
        inside = min(hour + HOUR, ends_at) - max(hour, starts_at)
        with exact_arithmetic():
            yield hour, kwh * Decimal(inside / timedelta(microseconds=1)) / Decimal(length)
        hour += HOUR


def within_facility(
    asked: Mapping[datetime, Mapping[Job, Decimal]], metered: Mapping[datetime, Decimal]
) -> tuple[dict[Job, Decimal], tuple[ExceededHour, ...]]:
    """What is cut from each job (kWh), and the hours in which that was needed.

    Where the jobs of an hour ask for more than the facility metered in it, all of them are scaled
    by metered / asked, cut to six decimals: together they never get more than was metered. An hour
    that is not in `metered` has no bound: unknown is not zero. Jobs without a cut are left out.
    """
    cut: dict[Job, Decimal] = {}
    exceeded = []
    with exact_arithmetic():
        for hour in sorted(asked):
            bound, whole = metered.get(hour), sum(asked[hour].values(), ZERO)
            if bound is None or whole <= bound:
                continue
            exceeded.append(ExceededHour(hour, whole, bound))
            for job, kwh in asked[hour].items():
                granted = (kwh * bound / whole).quantize(QUANTITY, rounding="ROUND_DOWN")
                cut[job] = cut.get(job, ZERO) + kwh - min(granted, kwh)
    return cut, tuple(exceeded)


def jobs_above_facility(exceeded: tuple[ExceededHour, ...]) -> Suspicion | None:
    """Jobs of one facility that together ask for more energy than it metered.

    Suspicious when an hour's sum is above the meter by more than its error. A yearly PUE laid over
    a cold hour may be the whole reason; a person decides.
    """
    hours = [each for each in exceeded if each.asked_kwh > each.metered_kwh * MEASUREMENT]
    if not hours:
        return None
    asked = sum((each.asked_kwh for each in hours), ZERO)
    metered = sum((each.metered_kwh for each in hours), ZERO)
    first = min(each.starts_at for each in hours).isoformat()
    return Suspicion(
        "jobs_above_facility",
        (
            ("hours", str(len(hours))),
            ("first_hour", first),
            *in_figures(jobs_kwh=asked, facility_kwh=metered),
        ),
        f"In {len(hours)} hours, the first at {first}, the jobs together come to {plain(asked)} "
        f"kWh; the facility metered {plain(metered)} kWh. They were scaled down to the meter.",
        f"有 {len(hours)} 个小时（首个为 {first}）作业用电合计 {plain(asked)} 千瓦时，"
        f"而设施仅计量 {plain(metered)} 千瓦时；作业用电已按计量值同比例下调。",
    )
