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
                starts_at=_time(each, "starts_at", where),
                ends_at=_time(each, "ends_at", where),
                quantity=_quantity(each.get("quantity"), f"{where}.quantity"),
            )
        )
    for number, each in enumerate(_listed(batch, "series")):
        rows += _series(each, by_code, f"series[{number}]")
    if len(rows) > MAX_ROWS:
        raise Invalid("readings", f"at most {MAX_ROWS} rows", f"最多 {MAX_ROWS} 行")
    return rows


def _series(each: Any, by_code: Mapping[str, Meter], where: str) -> list[IncomingReading]:
    meter = _meter(each, by_code, where)
    starts_at = _time(each, "starts_at", where).astimezone(UTC)
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
                quantity=_quantity(quantity, f"{where}.quantities[{position}]"),
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
    unit = "m3" if meter.kind.endswith("_m3") else "kWh"
    if each.get("unit") != unit:
        raise Invalid(f"{where}.unit", f"must be {unit}", f"单位须为 {unit}")
    return meter


def _text(each: Mapping[str, Any], name: str, where: str) -> str:
    given = each.get(name)
    if not isinstance(given, str) or not given or len(given) > 200 or "\x00" in given:
        raise Invalid(f"{where}.{name}", "1 to 200 characters", "须为 1 至 200 个字符")
    return given


def _time(each: Mapping[str, Any], name: str, where: str) -> datetime:
    try:
        moment = datetime.fromisoformat(str(each.get(name)))
    except ValueError:
        moment = datetime.min  # noqa: DTZ901 - refused below for want of an offset
    if moment.tzinfo is None:
        raise Invalid(f"{where}.{name}", "RFC 3339 with offset", "须为带时区偏移的 RFC 3339 时间")
    return moment


def _quantity(given: Any, where: str) -> Decimal:
    try:
        if isinstance(given, bool) or not isinstance(given, int | float | str):
            raise InvalidOperation
        quantity = Decimal(str(given))
    except InvalidOperation:
        raise Invalid(where, "must be a number", "须为数值") from None
    if not quantity.is_finite() or abs(quantity) >= 10**14:
        raise Invalid(where, "must be a number below 1e14", "须为小于 1e14 的数值")
    return quantity
