"""Physical plausibility: what a pool sold against what it can have run. Pure.

Each check returns a Suspicion with its numbers, or None. A suspicion is a question to a person; it
changes no rating, no award and no payment by itself. A check without its evidence says nothing:
unknown is not suspicious.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from .exact import RATIO, exact_arithmetic

# A unit at work draws at least this share of its declared busy power. Ours (a proposal): low enough
# that an honest pool at light load is not asked; the case shows the figure.
LEAST_LOAD = Decimal("0.30")
# Sold hours of which less than this share was useful look like idle burning (domain case 39).
LEAST_USEFUL = Decimal("0.30")
MEASUREMENT = Decimal("1.001")


@dataclass(frozen=True, slots=True)
class Suspicion:
    """What does not fit: the check, its numbers by name, and the sentence a person reads."""

    check: str
    numbers: tuple[tuple[str, str], ...]
    text_en: str
    text_zh: str


def hours_above_energy(
    *, sold_hours: Decimal, it_kwh: Decimal | None, kw_per_unit: Decimal
) -> Suspicion | None:
    """Accelerator-hours sold that the metered IT energy cannot have run.

    Suspicious when sold hours x busy kW x LEAST_LOAD > metered kWh of the pool. None without a
    meter.
    """
    if it_kwh is None or sold_hours <= 0:
        return None
    with exact_arithmetic():
        least_kwh = sold_hours * kw_per_unit * LEAST_LOAD
    if least_kwh <= it_kwh * MEASUREMENT:
        return None
    return Suspicion(
        "hours_above_energy",
        in_figures(
            sold_hours=sold_hours,
            it_kwh=it_kwh,
            kw_per_unit=kw_per_unit,
            least_load=LEAST_LOAD,
            least_kwh=least_kwh,
        ),
        f"{plain(sold_hours)} accelerator-hours need at least {plain(least_kwh)} kWh; "
        f"{plain(it_kwh)} kWh were metered.",
        f"售出 {plain(sold_hours)} 卡时至少需要 {plain(least_kwh)} 千瓦时，"
        f"而计量仅 {plain(it_kwh)} 千瓦时。",
    )


def sold_above_installed(*, sold_hours: Decimal, units: int, hours: Decimal) -> Suspicion | None:
    """More accelerator-hours sold than units x hours of the period."""
    installed = units * hours
    if sold_hours <= installed * MEASUREMENT:
        return None
    return Suspicion(
        "sold_above_installed",
        in_figures(sold_hours=sold_hours, units=Decimal(units), hours=hours, installed=installed),
        f"{plain(sold_hours)} accelerator-hours were sold of {plain(installed)} installed.",
        f"装机 {plain(installed)} 卡时，售出 {plain(sold_hours)} 卡时。",
    )


def useful_below_sold(*, sold_hours: Decimal, useful_hours: Decimal | None) -> Suspicion | None:
    """Sold hours of which hardly any did work. None when useful hours are not metered."""
    if useful_hours is None or sold_hours <= 0 or useful_hours >= sold_hours * LEAST_USEFUL:
        return None
    with exact_arithmetic():
        share = (useful_hours / sold_hours).quantize(RATIO)
    return Suspicion(
        "useful_below_sold",
        in_figures(
            sold_hours=sold_hours, useful_hours=useful_hours, share=share, least=LEAST_USEFUL
        ),
        f"Of {plain(sold_hours)} accelerator-hours sold, {plain(useful_hours)} did work.",
        f"售出 {plain(sold_hours)} 卡时中仅 {plain(useful_hours)} 卡时有效使用。",
    )


@dataclass(frozen=True, slots=True)
class ListedSlice:
    """A pool as a platform lists it: `platform` holds its capacity."""

    pool_id: int
    slice_id: str
    facility_id: int
    accelerator: str
    units: int
    platform: str


def listed_twice(slices: Sequence[ListedSlice]) -> list[tuple[ListedSlice, ListedSlice, Suspicion]]:
    """Pairs that look like one physical slice under two identifiers on two platforms.

    Same facility, same accelerator, same number of units, different owning platforms. A slice that
    a second platform only refers to has one identifier and is no suspicion.
    """
    found = []
    ordered = sorted(slices, key=lambda each: each.pool_id)
    for position, one in enumerate(ordered):
        for other in ordered[position + 1 :]:
            same = (one.facility_id, one.accelerator, one.units) == (
                other.facility_id,
                other.accelerator,
                other.units,
            )
            if not same or one.platform == other.platform or one.slice_id == other.slice_id:
                continue
            found.append(
                (
                    one,
                    other,
                    Suspicion(
                        "listed_twice",
                        (
                            ("units", str(one.units)),
                            ("slice_id", one.slice_id),
                            ("platform", one.platform),
                            ("other_slice_id", other.slice_id),
                            ("other_platform", other.platform),
                        ),
                        f"{one.slice_id} on {one.platform} and {other.slice_id} on "
                        f"{other.platform} look like one slice listed twice.",
                        f"{one.platform} 上的 {one.slice_id} 与 {other.platform} 上的 "
                        f"{other.slice_id} 疑为同一算力重复上架。",
                    ),
                )
            )
    return found


def share_energy(
    *, it_kwh: Decimal, pool_hours: Decimal, job_hours: Sequence[Decimal]
) -> list[Decimal]:
    """The pool's metered kWh of a period among its jobs, by accelerator-hours.

    A job gets kWh x its hours / max(pool hours, sum of the jobs' hours), cut to six decimals: what
    the jobs get together is never above what the pool drew.
    """
    whole = max(pool_hours, sum(job_hours, Decimal(0)))
    if whole <= 0:
        return [Decimal(0) for _ in job_hours]
    with exact_arithmetic():
        return [
            (it_kwh * hours / whole).quantize(RATIO, rounding="ROUND_DOWN") for hours in job_hours
        ]


def in_figures(**named: Decimal) -> tuple[tuple[str, str], ...]:
    return tuple((name, plain(value)) for name, value in named.items())


def plain(value: Decimal) -> str:
    text = format(value.quantize(RATIO), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
