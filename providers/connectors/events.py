"""Interval readings as CloudEvents 1.0."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

TYPE = "cn.suanquan.meter.interval.v1"


@dataclass(frozen=True, slots=True)
class Interval:
    """What one meter counted in [starts_at, ends_at): `quantity` in `unit` (kWh, m3, h)."""

    meter: str
    starts_at: datetime
    ends_at: datetime
    quantity: Decimal
    unit: str


def as_events(intervals: Iterable[Interval], *, source: str) -> list[dict[str, Any]]:
    """CloudEvents whose id is the meter and the interval: reading an hour again repeats the event,
    and the server counts it once."""
    return [
        {
            "specversion": "1.0",
            "id": f"{each.meter}@{_utc(each.starts_at)}/{_utc(each.ends_at)}",
            "source": source,
            "type": TYPE,
            "subject": each.meter,
            "time": _utc(each.ends_at),
            "datacontenttype": "application/json",
            "data": {
                "starts_at": _utc(each.starts_at),
                "ends_at": _utc(each.ends_at),
                "quantity": format(each.quantity, "f"),
                "unit": each.unit,
            },
        }
        for each in intervals
    ]


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
