"""Sample records as JSON-ready values."""

from dataclasses import fields, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any


def as_plain(record: Any) -> Any:
    """Dataclasses as dicts, tuples as lists, Decimals as text, times as RFC 3339."""
    if is_dataclass(record) and not isinstance(record, type):
        return {field.name: as_plain(getattr(record, field.name)) for field in fields(record)}
    if isinstance(record, tuple | list):
        return [as_plain(item) for item in record]
    if isinstance(record, Decimal):
        return format(record, "f")
    if isinstance(record, datetime | date):
        return record.isoformat()
    return record
