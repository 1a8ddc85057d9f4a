"""How long a voucher lives: whole civil days in Shanghai, half-open in instants."""

from datetime import date, datetime

from vouchers.rules.civil_day import civil_day, ends_at, months_before, starts_at
from vouchers.rules.terms import Terms


def voucher_period(terms: Terms, *, issued_at: datetime) -> tuple[datetime, datetime | None]:
    """(starts_at, ends_at) of a voucher; ends_at is None when the terms set no end.

    `voucher_months` counts from the day of issue: twelve months from 15 March end on 14 March, so
    the voucher is dead at 00:00:00 of the 15th. `year_end_lapse` ends it after 31 December.
    """
    windows = terms.clause("windows")
    day = civil_day(issued_at)
    ends: list[datetime] = []
    if windows.get("voucher_months") is not None:
        ends.append(starts_at(months_before(day, -windows["voucher_months"])))
    if windows.get("year_end_lapse"):
        ends.append(ends_at(date(day.year, 12, 31)))
    return issued_at, min(ends, default=None)
