"""What a rating rests on: the facility, the period, meter readings, claims and factors."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from providers.facts import GridFactors, GridFactorUnknown

from .exact import civil_day


class GreenInputError(ValueError):
    """An input has the wrong form. `field` is a dotted path; both texts say what is wrong."""

    def __init__(self, field: str, text_en: str, text_zh: str) -> None:
        self.field, self.text_en, self.text_zh = field, text_en, text_zh
        super().__init__(f"{field}: {text_en}")


class MeterKind(StrEnum):
    """What a meter measures; the unit is the last word.

    facility_total   everything the facility draws (E_DC): grid + direct line + own generation used
    it               energy of the IT equipment (E_IT)
    onsite_generation, direct_line   clean energy made on site / received over a direct line
    export           energy the site feeds into the grid; curtailed = generation thrown away
    water            water drawn for cooling and humidifying; reused_heat = heat given to others
    """

    FACILITY_TOTAL = "facility_total_kwh"
    IT = "it_kwh"
    ONSITE_GENERATION = "onsite_generation_kwh"
    DIRECT_LINE = "direct_line_kwh"
    EXPORT = "export_kwh"
    CURTAILED = "curtailed_kwh"
    STORAGE_IN = "storage_in_kwh"
    STORAGE_OUT = "storage_out_kwh"
    WATER = "water_m3"
    REUSED_HEAT = "reused_heat_kwh"


HOURLY_KINDS = frozenset(MeterKind) - {MeterKind.WATER, MeterKind.REUSED_HEAT}


@dataclass(frozen=True, slots=True)
class Facility:
    """The site facts a rating uses. None = not known, and then the item is unrated.

    adcode   GB/T 2260 code of where it stands; racks as counts; loads in kW
    """

    id: str
    adcode: str
    design_racks: int | None = None
    installed_racks: int | None = None
    racks_in_use: int | None = None
    nominal_rack_kw: Decimal | None = None
    adjustable_load_kw: Decimal | None = None
    maximum_load_kw: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Period:
    """Half-open [starts_at, ends_at), both aware and on the hour. Raises GreenInputError."""

    starts_at: datetime
    ends_at: datetime

    def __post_init__(self) -> None:
        for name in ("starts_at", "ends_at"):
            moment: datetime = getattr(self, name)
            if moment.tzinfo is None or moment != moment.replace(minute=0, second=0, microsecond=0):
                raise GreenInputError(
                    f"period.{name}", "must be an aware time on the hour", "须为带时区的整点时间"
                )
        if self.ends_at <= self.starts_at:
            raise GreenInputError("period", "ends before it starts", "结束时间早于开始时间")

    @property
    def hours(self) -> int:
        return int((self.ends_at - self.starts_at) / timedelta(hours=1))


@dataclass(frozen=True, slots=True)
class Reading:
    """One interval of one meter kind, half-open; `quantity` in the unit of the kind.

    A facility has one meter of a kind; several are added up before they come here.
    Electricity lies inside one clock hour (an hour or finer); water and heat may be monthly.
    """

    kind: MeterKind
    starts_at: datetime
    ends_at: datetime
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class Certificate:
    """A lot of green electricity certificates (绿证) allocated to this facility and period.

    id          serial or lot id, unique
    kwh         1000 per certificate
    vintage     any day of the month in which the power was made
    state       held | allocated | retired: only retired ones count
    backs       grid | onsite | direct_line: which kWh the attribute belongs to
    lapses_on   first civil day on which a certificate that was not retired is void; None = unknown
    """

    id: str
    kwh: Decimal
    vintage: date
    state: str
    backs: str = "grid"
    lapses_on: date | None = None


@dataclass(frozen=True, slots=True)
class Settlement:
    """A settlement of traded green power. Recorded, never counted beside its certificates."""

    id: str
    kwh: Decimal
    certificate_id: str | None = None


@dataclass(frozen=True, slots=True)
class OfficialStatus:
    """Somebody else's verdict, copied: never computed here.

    kind    gb_t_44989_2024 | green_low_carbon_level | national_green_data_centre | gb_40879_2021
    level   as certified: "1", "2"; "A" .. "5A"; the year of the list; grade "1" .. "3"
    valid_from, valid_until   half-open civil days; None = not stated
    """

    kind: str
    level: str
    certificate_number: str
    issuer: str
    valid_from: date | None = None
    valid_until: date | None = None
    document_sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Claims:
    """Everything claimed for the facility and period."""

    certificates: tuple[Certificate, ...] = ()
    settlements: tuple[Settlement, ...] = ()
    official_statuses: tuple[OfficialStatus, ...] = ()


@dataclass(frozen=True, slots=True)
class RatingFactors:
    """The published figures a rating uses, with their version. None = not published.

    renewable_quota_share   renewable quota weight of the province, share 0..1
    grid_kg_per_kwh         provincial factor, of `grid_data_year`
    """

    version: str
    renewable_quota_share: Decimal | None
    renewable_quota_year: int | None
    grid_kg_per_kwh: Decimal | None
    grid_data_year: int | None


def rating_factors(
    grid: GridFactors, *, facility: Facility, period: Period, on: date
) -> RatingFactors:
    """The factors for a facility and period as they were public `on` that civil day."""
    consumption_year = civil_day(period.ends_at - timedelta(hours=1)).year
    try:
        factor = grid.province_newest(facility.adcode, consumption_year=consumption_year, on=on)
    except GridFactorUnknown:
        factor = None
    quota = grid.renewable_quota(facility.adcode)
    return RatingFactors(
        version=grid.version,
        renewable_quota_share=quota,
        renewable_quota_year=grid.renewable_quota_year if quota is not None else None,
        grid_kg_per_kwh=factor.kg_per_kwh if factor else None,
        grid_data_year=factor.data_year if factor else None,
    )


def utc_text(moment: datetime) -> str:
    """RFC 3339 in UTC to the second, the one form times take in a bundle."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
