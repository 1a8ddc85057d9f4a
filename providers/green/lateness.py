"""How late a reading came: what may still be done with it follows from its class."""

from datetime import datetime, timedelta

from .exact import civil_day, months_later, start_of_day

ON_TIME = timedelta(hours=24)
GRACE = timedelta(hours=72)
CLOSES_ON_DAY = 10  # a month's accounts close at the start of this day of the next month
TOO_LATE = timedelta(days=3 * 366)


def lateness(ended_at: datetime, recorded_at: datetime) -> str:
    """The class of a reading whose interval ended at `ended_at` and came at `recorded_at`.

    on_time              within 24 hours
    grace                within 72 hours
    late_open_period     later, while its civil month (Asia/Shanghai) is open: until the 10th day
                         of the next month begins
    late_closed_period   the month is closed: it counts for ratings, and for money as a correction
                         in the period that is open
    too_late             after three years: quarantined, a person decides

    The limits are ours (a proposal); no text we read sets them.
    """
    late = recorded_at - ended_at
    if late <= ON_TIME:
        return "on_time"
    if late <= GRACE:
        return "grace"
    month = civil_day(ended_at - timedelta(microseconds=1)).replace(day=1)
    if recorded_at < start_of_day(months_later(month, 1).replace(day=CLOSES_ON_DAY)):
        return "late_open_period"
    return "late_closed_period" if late <= TOO_LATE else "too_late"
