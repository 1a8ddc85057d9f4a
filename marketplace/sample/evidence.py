"""Sample evidence: meter readings and certificates that reproduce a printed PUE and share.

Only facilities with a printed PUE have any; the others give none and are unrated. The load curve
and the seasonal overhead are made up; what is not made up is the yearly figure they add up to.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, Decimal

from providers.green import Certificate, Claims, Facility, MeterKind, Period, Reading
from providers.green.exact import SHANGHAI

from .chance import draw
from .market import SEED, SampleFacility

HOUR = timedelta(hours=1)
MILLI = Decimal("0.001")
# Percent of the yearly mean: IT by hour of the day, overhead by month (cooling).
IT_BY_HOUR = (94, 93, 92, 92, 92, 93, 95, 98, 101, 104, 105, 105,
              104, 104, 105, 106, 106, 105, 104, 103, 102, 101, 98, 96)  # fmt: skip
OVERHEAD_BY_MONTH = (72, 74, 84, 96, 110, 126, 138, 134, 116, 98, 82, 74)


@dataclass(frozen=True, slots=True)
class SampleCertificateLot:
    """`count` consecutive sample certificates (1 each = 1000 kWh) of one month, retired."""

    key: str
    facility_key: str
    first_serial: str
    last_serial: str
    count: int
    vintage: date
    state: str = "retired"
    backs: str = "grid"
    sample: bool = True

    @property
    def kwh(self) -> Decimal:
        return Decimal(1000) * self.count


def meter_readings(facility: SampleFacility, period: Period, *, seed: int = SEED) -> list[Reading]:
    """Hourly facility total and IT energy whose sums over `period` have exactly the printed PUE.

    Hours in order, IT first. Empty when nothing is printed for the facility.
    """
    if facility.pue is None or facility.mean_it_kw is None:
        return []
    its, weights = [], []
    for number in range(period.hours):
        at = (period.starts_at + number * HOUR).astimezone(SHANGHAI)
        noise = draw(seed, facility.key, "it", at.isoformat()) * 41 >> 64  # 0..40 per mille
        per_mille = IT_BY_HOUR[at.hour] * (980 + noise)
        its.append((facility.mean_it_kw * per_mille / 100000).quantize(MILLI))
        weights.append(OVERHEAD_BY_MONTH[at.month - 1] * per_mille)
    overhead = _spread((facility.pue - 1) * sum(its, Decimal(0)), weights)
    readings = []
    for number, (it, extra) in enumerate(zip(its, overhead, strict=True)):
        starts_at = period.starts_at + number * HOUR
        for kind, kwh in ((MeterKind.IT, it), (MeterKind.FACILITY_TOTAL, it + extra)):
            readings.append(Reading(kind, starts_at, starts_at + HOUR, kwh))
    return readings


def _spread(total: Decimal, weights: list[int]) -> list[Decimal]:
    """`total` cut into parts by weight, to six decimals, adding up exactly."""
    exact = total.quantize(Decimal("0.000001"), rounding=ROUND_HALF_EVEN)
    whole, so_far, given, parts = sum(weights), 0, Decimal(0), []
    for weight in weights:
        so_far += weight
        upto = (exact * so_far / whole).quantize(Decimal("0.000001"))
        parts.append(upto - given)
        given = upto
    return parts


def certificate_lots(
    facility: SampleFacility, period: Period, *, seed: int = SEED
) -> tuple[SampleCertificateLot, ...]:
    """One retired lot per month, together at most the printed renewable share of the year's use."""
    if facility.renewable_share is None:
        return ()
    used: dict[date, Decimal] = {}
    for reading in meter_readings(facility, period, seed=seed):
        if reading.kind == MeterKind.FACILITY_TOTAL:
            day = reading.starts_at.astimezone(SHANGHAI).date()
            month = day.replace(day=1)
            used[month] = used.get(month, Decimal(0)) + reading.quantity
    lots, so_far, given = [], Decimal(0), 0
    for month, kwh in sorted(used.items()):
        so_far += kwh
        count = int(so_far * facility.renewable_share / 1000) - given
        prefix = f"SAMPLE-GEC-{facility.area_seq:02d}-{month:%Y%m}"
        lots.append(
            SampleCertificateLot(
                key=prefix,
                facility_key=facility.key,
                first_serial=f"{prefix}-{1:06d}",
                last_serial=f"{prefix}-{count:06d}",
                count=count,
                vintage=month,
            )
        )
        given += count
    return tuple(lots)


def rating_facility(facility: SampleFacility) -> Facility:
    """The facility as the green rating takes it."""
    return Facility(
        id=facility.key,
        adcode=facility.adcode,
        design_racks=facility.design_racks,
        installed_racks=facility.installed_racks,
        racks_in_use=facility.racks_in_use,
        nominal_rack_kw=facility.nominal_rack_kw,
    )


def rating_claims(facility: SampleFacility, period: Period, *, seed: int = SEED) -> Claims:
    """Its certificate lots as the green rating takes them."""
    return Claims(
        tuple(
            Certificate(lot.key, lot.kwh, lot.vintage, lot.state, lot.backs)
            for lot in certificate_lots(facility, period, seed=seed)
        )
    )
