"""Civil days in Asia/Shanghai: the only calendar a programme knows."""

from datetime import date, datetime, timedelta, timezone

# No daylight saving since 1991, so a fixed offset is exact for every programme there is.
SHANGHAI = timezone(timedelta(hours=8), "Asia/Shanghai")


def civil_day(at: datetime) -> date:
    """The day in Shanghai that holds the instant. Raises ValueError for a naive datetime."""
    if at.tzinfo is None:
        raise ValueError("a naive datetime names no instant")
    return at.astimezone(SHANGHAI).date()


def starts_at(day: date) -> datetime:
    """00:00:00 in Shanghai of `day`."""
    return datetime(day.year, day.month, day.day, tzinfo=SHANGHAI)


def ends_at(day: date) -> datetime:
    """The instant after the last one of `day`: half-open periods end here."""
    return starts_at(day + timedelta(days=1))


def months_before(day: date, months: int) -> date:
    """The same day `months` earlier, or the last day of that month when it has no such day."""
    index = day.year * 12 + day.month - 1 - months
    year, month = divmod(index, 12)
    month += 1
    last = (date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)).day
    return date(year, month, min(day.day, last))


def months_between(first: date, last: date) -> int:
    """Whole months from `first` to `last`, counting a begun month as a month."""
    months = (last.year - first.year) * 12 + last.month - first.month
    return months + (1 if last.day > first.day else 0)
