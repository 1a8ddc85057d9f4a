"""Hourly grid carbon comes in, with how it is known; a later figure for an hour replaces it."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation

from django.db import transaction

from audit.actions.record import record
from audit.decisions import Actor, Invalid
from identity.uscc import validate_adcode
from scheduling.models import CarbonSignal

HOUR = timedelta(hours=1)


@transaction.atomic
def load_carbon_signals(
    *,
    rows: Iterable[tuple[str, int, str | Decimal]],
    starts_at: datetime,
    quality: str,
    source: str,
    actor: Actor,
    at: datetime,
) -> int:
    """Keep (adcode, hour from `starts_at`, kg per kWh) rows; returns how many.

    `quality` is "measured" or "calibrated"; what is neither stays the published mean ("flat") and
    needs no signal. `source` says where they are from. Raises Invalid with row and field.
    """
    if quality not in CarbonSignal.Quality.values:
        raise Invalid("quality", f"unknown quality: {quality}", f"未知的数据质量：{quality}")
    if not source.strip():
        raise Invalid("source", "say where the figures are from", "请说明数据来源")
    if starts_at.tzinfo is None or starts_at != starts_at.replace(
        minute=0, second=0, microsecond=0
    ):
        raise Invalid("starts_at", "must be an aware full hour", "须为带时区的整点时间")
    signals: dict[tuple[str, int], CarbonSignal] = {}
    for number, (adcode, hour, kg) in enumerate(rows):
        figure = _figure(number, kg)
        try:
            validate_adcode(adcode)
        except Exception as error:
            raise _wrong(number, "region", adcode) from error
        if not 0 <= hour < 24 * 366:
            raise _wrong(number, "hour", hour)
        if (adcode, hour) in signals:
            raise _wrong(number, "hour", f"{adcode} {hour} twice")
        signals[adcode, hour] = CarbonSignal(
            adcode=adcode,
            starts_at=starts_at + hour * HOUR,
            kg_per_kwh=figure,
            quality=quality,
            source=source,
        )
    CarbonSignal.objects.bulk_create(
        signals.values(),
        batch_size=2000,
        update_conflicts=True,
        unique_fields=["adcode", "starts_at"],
        update_fields=["kg_per_kwh", "quality", "source"],
    )
    record(
        "carbon_signals.loaded",
        subject=("scheduling.carbonsignal", starts_at.isoformat()),
        actor=actor,
        at=at,
        data={"rows": len(signals), "quality": quality, "source": source},
    )
    return len(signals)


def _figure(number: int, kg: str | Decimal) -> Decimal:
    try:
        figure = Decimal(str(kg))
    except InvalidOperation as error:
        raise _wrong(number, "kg_per_kwh", kg) from error
    if not figure.is_finite() or not 0 <= figure < 10:
        raise _wrong(number, "kg_per_kwh", kg)
    return figure.quantize(Decimal("0.00001"))


def _wrong(number: int, field: str, value: object) -> Invalid:
    return Invalid(field, f"row {number + 1}: {value!r}", f"第 {number + 1} 行：{value!r}")
