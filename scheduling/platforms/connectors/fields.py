"""Single fields of a platform's JSON: texts, times and quantities. Each raises ValueError.

A quantity that is no text or no number raises ValueError or decimal.InvalidOperation.
"""

from datetime import datetime
from decimal import Decimal
from typing import Any


def text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("a text is missing")
    return value


def time(value: Any) -> datetime:
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise ValueError("a time needs its offset")
    return moment


def time_or_none(value: Any) -> datetime | None:
    return None if value is None else time(value)


def quantity(value: Any) -> Decimal:
    """Quantities travel as text, so that no float rounds them on the way."""
    number = Decimal(text(value))
    if not number.is_finite() or number < 0:
        raise ValueError("a quantity must be finite and not negative")
    return number


def quantity_or_none(value: Any) -> Decimal | None:
    return None if value is None else quantity(value)
