"""From readings to a checked year: hours paired, gaps named, impossible values set aside."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from .evidence import HOURLY_KINDS, GreenInputError, MeterKind, Period, Reading, utc_text
from .exact import QUANTITY, RATIO, ZERO, exact_arithmetic

HOUR = timedelta(hours=1)

# code -> (English, Chinese)
QUARANTINE_TEXTS = {
    "negative": ("A meter cannot count below zero.", "计量值不能为负。"),
    "outside_period": ("The interval lies outside the period.", "计量区间不在评价周期内。"),
    "too_coarse": (
        "Electricity must be metered by the hour or finer.",
        "电量须按小时或更细粒度计量。",
    ),
    "overlap": ("The interval overlaps another of the same meter.", "与同一计量的其他区间重叠。"),
    "it_above_total": (
        "IT energy above facility energy: PUE below 1 is impossible.",
        "信息设备用电大于总用电，PUE 小于 1，不可能。",
    ),
    "clean_above_total": (
        "More clean energy used than the facility drew: a share above 1 is impossible.",
        "清洁电量大于总用电，占比大于 1，不可能。",
    ),
}


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A value set aside: which meter, from when, and why (`code` in QUARANTINE_TEXTS)."""

    kind: str
    starts_at: datetime
    code: str

    @property
    def text_en(self) -> str:
        return QUARANTINE_TEXTS[self.code][0]

    @property
    def text_zh(self) -> str:
        return QUARANTINE_TEXTS[self.code][1]


@dataclass(frozen=True, slots=True)
class Gap:
    """Hours [starts_at, ends_at) in which one of `kinds` has no usable value."""

    starts_at: datetime
    ends_at: datetime
    kinds: tuple[str, ...]


@dataclass(frozen=True)
class MeterYear:
    """A period of readings after checking.

    by_hour      kind -> hour number in the period -> kWh, whole hours only
    volumes      water m3 and reused heat kWh, sums of accepted readings; absent = not metered
    paired_hours hours in which facility total and IT are both usable
    coverage     paired_hours / hours of the period, six decimals
    total_kwh, it_kwh   sums over the paired hours
    """

    period: Period
    by_hour: dict[MeterKind, dict[int, Decimal]]
    volumes: dict[MeterKind, Decimal]
    volume_hours: dict[MeterKind, Decimal]
    paired_hours: int
    coverage: Decimal
    total_kwh: Decimal
    it_kwh: Decimal
    gaps: tuple[Gap, ...]
    quarantined: tuple[Quarantined, ...]

    def has(self, kind: MeterKind) -> bool:
        """Whether the kind was metered at all (usably)."""
        return bool(self.by_hour.get(kind)) or kind in self.volumes

    def sum_kwh(self, kind: MeterKind) -> Decimal:
        """All usable kWh of an hourly kind."""
        with exact_arithmetic():
            return sum(self.by_hour.get(kind, {}).values(), ZERO)


def sorted_readings(readings: Iterable[Reading]) -> list[Reading]:
    """Readings in the one order that everything else relies on. Raises GreenInputError."""
    listed = list(readings)
    for reading in listed:
        if reading.starts_at.tzinfo is None or reading.ends_at <= reading.starts_at:
            raise GreenInputError(
                "readings", "an interval must be aware and not empty", "计量区间须带时区且不为空"
            )
        if not reading.quantity.is_finite():
            raise GreenInputError("readings.quantity", "must be a number", "须为数值")
    return sorted(listed, key=lambda r: (r.kind, r.starts_at, r.ends_at, r.quantity))


def summarise(readings: Iterable[Reading], period: Period) -> MeterYear:
    """Check and pair the readings of `period`. Raises GreenInputError on a malformed interval."""
    return summarise_sorted(sorted_readings(readings), period)


def summarise_sorted(readings: Sequence[Reading], period: Period) -> MeterYear:
    """`summarise` of readings that `sorted_readings` has put in order."""
    with exact_arithmetic():
        return _summarise(readings, period)


def _summarise(readings: Sequence[Reading], period: Period) -> MeterYear:
    quarantined: list[Quarantined] = []
    sums: dict[MeterKind, dict[int, Decimal]] = {}
    seconds: dict[MeterKind, dict[int, int]] = {}
    volumes: dict[MeterKind, Decimal] = {}
    volume_hours: dict[MeterKind, Decimal] = {}
    last_end: dict[MeterKind, datetime] = {}
    for reading in readings:
        kind = reading.kind
        code = _refusal(reading, period, last_end.get(kind))
        if code:
            quarantined.append(Quarantined(kind.value, reading.starts_at, code))
            continue
        last_end[kind] = reading.ends_at
        amount = reading.quantity.quantize(QUANTITY)
        length = reading.ends_at - reading.starts_at
        if kind not in HOURLY_KINDS:
            volumes[kind] = volumes.get(kind, ZERO) + amount
            volume_hours[kind] = (
                volume_hours.get(kind, ZERO) + Decimal(int(length.total_seconds())) / 3600
            )
            continue
        hour = (reading.starts_at - period.starts_at) // HOUR
        of_kind, time_of_kind = sums.setdefault(kind, {}), seconds.setdefault(kind, {})
        of_kind[hour] = of_kind.get(hour, ZERO) + amount
        time_of_kind[hour] = time_of_kind.get(hour, 0) + int(length.total_seconds())
    by_hour = {
        kind: {hour: kwh for hour, kwh in of_kind.items() if seconds[kind][hour] == 3600}
        for kind, of_kind in sums.items()
    }
    _drop_impossible_hours(by_hour, period, quarantined)
    totals, its = by_hour.get(MeterKind.FACILITY_TOTAL, {}), by_hour.get(MeterKind.IT, {})
    paired = sorted(totals.keys() & its.keys())
    return MeterYear(
        period=period,
        by_hour=by_hour,
        volumes=volumes,
        volume_hours=volume_hours,
        paired_hours=len(paired),
        coverage=(Decimal(len(paired)) / period.hours).quantize(RATIO),
        total_kwh=sum((totals[hour] for hour in paired), ZERO),
        it_kwh=sum((its[hour] for hour in paired), ZERO),
        gaps=_gaps(totals, its, period),
        quarantined=tuple(
            sorted(quarantined, key=lambda q: (q.kind, utc_text(q.starts_at), q.code))
        ),
    )


def _refusal(reading: Reading, period: Period, last_end: datetime | None) -> str | None:
    if reading.quantity < 0:
        return "negative"
    if reading.starts_at < period.starts_at or reading.ends_at > period.ends_at:
        return "outside_period"
    if reading.kind in HOURLY_KINDS:
        offset = (reading.starts_at - period.starts_at) % HOUR
        if offset + (reading.ends_at - reading.starts_at) > HOUR:
            return "too_coarse"
    if last_end is not None and reading.starts_at < last_end:
        return "overlap"
    return None


def _drop_impossible_hours(
    by_hour: dict[MeterKind, dict[int, Decimal]], period: Period, quarantined: list[Quarantined]
) -> None:
    totals, its = by_hour.get(MeterKind.FACILITY_TOTAL, {}), by_hour.get(MeterKind.IT, {})
    for hour in sorted(totals.keys() & its.keys()):
        if its[hour] > totals[hour]:
            at = period.starts_at + hour * HOUR
            for kind in (MeterKind.FACILITY_TOTAL, MeterKind.IT):
                del by_hour[kind][hour]
                quarantined.append(Quarantined(kind.value, at, "it_above_total"))
    exports = by_hour.get(MeterKind.EXPORT, {})
    stored = by_hour.get(MeterKind.STORAGE_IN, {})
    onsite = by_hour.get(MeterKind.ONSITE_GENERATION, {})
    direct = by_hour.get(MeterKind.DIRECT_LINE, {})
    for hour in sorted((onsite.keys() | direct.keys()) & totals.keys()):
        clean = onsite.get(hour, ZERO) + direct.get(hour, ZERO) - exports.get(hour, ZERO)
        if clean > totals[hour] + stored.get(hour, ZERO):
            for kind, values in (
                (MeterKind.ONSITE_GENERATION, onsite),
                (MeterKind.DIRECT_LINE, direct),
            ):
                if values.pop(hour, None) is not None:
                    at = period.starts_at + hour * HOUR
                    quarantined.append(Quarantined(kind.value, at, "clean_above_total"))


def _gaps(totals: dict[int, Decimal], its: dict[int, Decimal], period: Period) -> tuple[Gap, ...]:
    gaps: list[Gap] = []
    hours = period.hours
    if len(totals) == len(its) == hours:
        return ()
    begun: tuple[int, tuple[str, ...]] | None = None
    for hour in range(hours + 1):
        missing: tuple[str, ...] = ()
        if hour < hours:
            missing = tuple(
                kind.value
                for kind, values in ((MeterKind.FACILITY_TOTAL, totals), (MeterKind.IT, its))
                if hour not in values
            )
        if begun and begun[1] != missing:
            start = period.starts_at + begun[0] * HOUR
            gaps.append(Gap(start, period.starts_at + hour * HOUR, begun[1]))
            begun = None
        if missing and not begun:
            begun = (hour, missing)
    return tuple(gaps)
