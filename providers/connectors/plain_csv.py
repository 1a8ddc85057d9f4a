"""Readings from a plain CSV file: meter,starts_at,ends_at,quantity,unit."""

import csv
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal, InvalidOperation

from .events import Interval

COLUMNS = ("meter", "starts_at", "ends_at", "quantity", "unit")


class NotReadings(ValueError):
    """A line is not a reading; says which and why."""


def read_csv(lines: Iterable[str]) -> list[Interval]:
    """Every line, or NotReadings with the line's number. Times need an offset."""
    rows = csv.DictReader(lines)
    if rows.fieldnames is None or not set(COLUMNS) <= set(rows.fieldnames):
        raise NotReadings(f"line 1: the columns are {','.join(COLUMNS)}")
    read = []
    for number, row in enumerate(rows, start=2):
        try:
            starts_at, ends_at = (
                datetime.fromisoformat(row[name]) for name in ("starts_at", "ends_at")
            )
            quantity = Decimal(row["quantity"])
            if starts_at.tzinfo is None or ends_at.tzinfo is None or not quantity.is_finite():
                raise ValueError("a time without offset, or no number")
            if ends_at <= starts_at:
                raise ValueError("ends before it starts")
        except (ValueError, TypeError, InvalidOperation) as error:
            raise NotReadings(f"line {number}: {error}") from error
        read.append(Interval(row["meter"], starts_at, ends_at, quantity, row["unit"]))
    return read
