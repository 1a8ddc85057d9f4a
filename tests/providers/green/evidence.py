"""Evidence built for tests: a year of meters and a facility, small enough to read."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo

from providers.facts import load_green_method
from providers.green import (
    Certificate,
    Claims,
    Facility,
    MeterKind,
    Period,
    RatingFactors,
    Reading,
    rate,
)

SHANGHAI = ZoneInfo("Asia/Shanghai")
YEAR = Period(
    datetime(2025, 1, 1, tzinfo=SHANGHAI),
    datetime(2026, 1, 1, tzinfo=SHANGHAI),
)
HOUR = timedelta(hours=1)
FACTORS = RatingFactors("test-factors", Decimal("0.23"), 2023, Decimal("0.6479"), 2023)
FACILITY = Facility(
    id="sample-1",
    adcode="150100",
    design_racks=1000,
    installed_racks=800,
    racks_in_use=560,
    nominal_rack_kw=Decimal("4"),
    adjustable_load_kw=Decimal("50"),
    maximum_load_kw=Decimal("2000"),
)


def hourly(kind: MeterKind, kwh, *, hours=range(8760)) -> list[Reading]:
    """The same kWh (or a function of the hour) in each of `hours` of the year."""
    amount = kwh if callable(kwh) else lambda _: kwh
    return [
        Reading(
            kind,
            YEAR.starts_at + hour * HOUR,
            YEAR.starts_at + (hour + 1) * HOUR,
            Decimal(str(amount(hour))),
        )
        for hour in hours
    ]


@lru_cache(maxsize=32)
def _year(pue, it, hours) -> tuple[Reading, ...]:
    total = Decimal(pue) * Decimal(it)
    return tuple(
        hourly(MeterKind.FACILITY_TOTAL, total, hours=hours) + hourly(MeterKind.IT, it, hours=hours)
    )


def a_year(pue="1.185", it="1000", hours=range(8760)) -> list[Reading]:
    """IT and facility total of every hour; total = PUE x IT."""
    return list(_year(pue, it, tuple(hours)))


def retired(kwh, *, backs="grid", id_="lot-1", vintage=date(2025, 6, 1)) -> Certificate:
    return Certificate(id_, Decimal(kwh), vintage, "retired", backs)


def rating(
    readings=None, *, claims=None, facility=FACILITY, factors=FACTORS, method=None, **changes
):
    return rate(
        method or load_green_method(),
        replace(facility, **changes),
        YEAR,
        a_year() if readings is None else readings,
        claims or Claims(),
        factors,
    )
