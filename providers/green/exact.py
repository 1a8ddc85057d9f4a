"""Arithmetic that gives the same digits everywhere: one precision, one rounding, civil months."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")
QUANTITY = Decimal("0.000001")  # kWh and m3 as taken in
RATIO = Decimal("0.000001")
POINTS = Decimal("0.01")
KILOGRAMS = Decimal("0.000001")
ONE, ZERO = Decimal(1), Decimal(0)


@contextmanager
def exact_arithmetic() -> Iterator[None]:
    """34 digits, half to even, whatever the caller's context is."""
    with localcontext(Context(prec=34, rounding=ROUND_HALF_EVEN)):
        yield


def clip(value: Decimal) -> Decimal:
    """`value` brought into 0..1."""
    return min(max(value, ZERO), ONE)


def months_later(day: date, months: int) -> date:
    """The same day `months` later (or earlier), or the last day of that month."""
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    following = date(year + (month == 11), (month + 1) % 12 + 1, 1)
    last = (following - timedelta(days=1)).day
    return date(year, month + 1, min(day.day, last))


def start_of_day(day: date) -> datetime:
    """Midnight in Asia/Shanghai with which `day` begins."""
    return datetime(day.year, day.month, day.day, tzinfo=SHANGHAI)


def civil_day(moment: datetime) -> date:
    """The civil day in Asia/Shanghai of a moment."""
    return moment.astimezone(SHANGHAI).date()
