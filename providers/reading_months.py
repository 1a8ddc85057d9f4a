"""The months into which readings are cut, in the database."""

from collections.abc import Iterable
from datetime import date, datetime

from django.db import connection

from providers.green.exact import civil_day, months_later


def month_of(moment: datetime) -> date:
    """The first day of the civil month (Asia/Shanghai) a moment lies in."""
    return civil_day(moment).replace(day=1)


def make_months(months: Iterable[date]) -> int:
    """Have a part of the table for each of `months`; how many were new."""
    wanted = sorted(set(months))
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FILTER (WHERE providers_make_reading_month(day)) "
            "FROM unnest(%s::date[]) day",
            [wanted],
        )
        return int(cursor.fetchone()[0])


def make_months_ahead(at: datetime, *, ahead: int = 3) -> int:
    """Parts for this month and `ahead` further ones, so that no reading waits for its table."""
    this = month_of(at)
    return make_months(months_later(this, number) for number in range(ahead + 1))
