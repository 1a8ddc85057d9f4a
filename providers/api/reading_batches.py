"""A batch of readings as JSON, read by hand: nested serializers would take longer than COPY."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from audit.decisions import Invalid
from providers.actions.ingest_readings import IncomingReading
from providers.models import Meter

MAX_ROWS = 100_000


def rows_of(batch: Mapping[str, Any], meters: Sequence[Meter]) -> list[IncomingReading]:
    """The rows of `readings` and `series`, in this order. Raises Invalid with the field."""
    by_code = {meter.code: meter for meter in meters}
    rows: list[IncomingReading] = []
    for number, each in enumerate(_listed(batch, "readings")):
        where = f"readings[{number}]"
        meter = _meter(each, by_code, where)
        rows.append(
            IncomingReading(
                meter_id=meter.pk,
                event_id=_text(each, "event_id", where),
                starts_at=moment_of(each, "starts_at", where),
                ends_at=moment_of(each, "ends_at", where),
                quantity=exact_quantity(each.get("quantity"), f"{where}.quantity"),
                corrects=_text(each, "corrects", where) if each.get("corrects") else None,
            )
        )
    for number, each in enumerate(_listed(batch, "series")):
        rows += _series(each, by_code, f"series[{number}]")
    if len(rows) > MAX_ROWS:
        raise Invalid("readings", f"at most {MAX_ROWS} rows", f"最多 {MAX_ROWS} 行")
    return rows


def unit_of(kind: str) -> str:
    """The unit a meter's kind ends with."""
    if kind == Meter.Kind.ACCELERATOR:
        return "h"
    return "m3" if kind.endswith("_m3") else "kWh"


def _series(each: Any, by_code: Mapping[str, Meter], where: str) -> list[IncomingReading]:
    meter = _meter(each, by_code, where)
    starts_at = moment_of(each, "starts_at", where).astimezone(UTC)
    seconds, quantities = each.get("interval_seconds"), each.get("quantities")
    if not isinstance(seconds, int) or isinstance(seconds, bool) or not 0 < seconds <= 31 * 86400:
        raise Invalid(f"{where}.interval_seconds", "a whole number above 0", "须为正整数")
    if not isinstance(quantities, list) or len(quantities) > MAX_ROWS:
        raise Invalid(f"{where}.quantities", "a list of numbers", "须为数值列表")
    length = timedelta(seconds=seconds)
    rows = []
    for position, quantity in enumerate(quantities):
        if quantity is None:
            continue
        begins = starts_at + position * length
        rows.append(
            IncomingReading(
                meter_id=meter.pk,
                event_id=f"{meter.code}@{begins:%Y-%m-%dT%H:%M:%SZ}/{seconds}",
                starts_at=begins,
                ends_at=begins + length,
                quantity=exact_quantity(quantity, f"{where}.quantities[{position}]"),
            )
        )
    return rows


def _listed(batch: Mapping[str, Any], name: str) -> list[Any]:
    given = batch.get(name, [])
    if not isinstance(given, list) or not all(isinstance(each, dict) for each in given):
        raise Invalid(name, "must be a list of objects", "须为对象列表")
    return given


def _meter(each: Mapping[str, Any], by_code: Mapping[str, Meter], where: str) -> Meter:
    meter = by_code.get(str(each.get("meter")))
    if meter is None:
        raise Invalid(f"{where}.meter", "not a meter of this facility", "不是本设施的计量表")
    unit = unit_of(meter.kind)
    if each.get("unit") != unit:
        raise Invalid(f"{where}.unit", f"must be {unit}", f"单位须为 {unit}")
    return meter


def _text(each: Mapping[str, Any], name: str, where: str) -> str:
    given = each.get(name)
    if not isinstance(given, str) or not given or len(given) > 200 or "\x00" in given:
        raise Invalid(f"{where}.{name}", "1 to 200 characters", "须为 1 至 200 个字符")
    return given


def moment_of(each: Mapping[str, Any], name: str, where: str) -> datetime:
    """A time with offset. Raises Invalid."""
    try:
        moment = datetime.fromisoformat(str(each.get(name)))
    except ValueError:
        moment = datetime.min  # noqa: DTZ901 - refused below for want of an offset
    if moment.tzinfo is None:
        raise Invalid(f"{where}.{name}", "RFC 3339 with offset", "须为带时区偏移的 RFC 3339 时间")
    return moment


def exact_quantity(given: Any, where: str) -> Decimal:
    """A number as it was written. Raises Invalid."""
    try:
        if isinstance(given, bool) or not isinstance(given, int | float | str):
            raise InvalidOperation
        quantity = Decimal(str(given))
    except InvalidOperation:
        raise Invalid(where, "must be a number", "须为数值") from None
    if not quantity.is_finite() or abs(quantity) >= 10**14:
        raise Invalid(where, "must be a number below 1e14", "须为小于 1e14 的数值")
    return quantity
