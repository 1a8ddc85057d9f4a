"""An enterprise's carbon of a civil month, as an ESG report needs it: two ledgers side by side.

Energy of a job, the first of these that there is:
  pool_meter      the pool's metered IT energy of the month, shared by accelerator-hours
  platform_meter  the energy the platform metered for this very job
  estimated       board power (TDP) x accelerator-hours x the pool's measured utilization
  unknown         none of them: the line stays, without a figure
times the PUE of the rating in force when the job ended. The location-based ledger takes the
province's published factor and nothing else; the market-based one takes out the share of the
facility's energy for which certificates were retired. They are never added to each other.
"""

from dataclasses import asdict, dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db.models import Count, Max, Min, Q, Sum

from audit.canonical import canonical_json, sha256_hex
from identity.models import Organization
from marketplace.actions.check_plausibility import sold_hours
from providers import green
from providers.facts import (
    GridFactor,
    GridFactorUnknown,
    load_accelerators,
    load_grid_factors,
)
from providers.green.exact import civil_day, months_later, start_of_day
from providers.green.indicators import embodied_share, sci
from providers.models import GreenRating, Pool
from providers.queries import PoolMeters, pool_meters
from scheduling.models import UsageRecord

RESIDUAL = "average_excluding_market_traded_nonfossil"
SIX, HOURS_A_YEAR = Decimal("0.000001"), 8760
COVERED = Decimal("0.95")  # of the month's hours, or the pool's meter does not speak for it
METHOD = (
    (
        "Location-based: kWh x the province's published average factor, flat over the hours. "
        "Certificates never change it.",
        "基于位置：用电量 × 省级平均排放因子（全时段同一数值），绿证不改变该结果。",
    ),
    (
        "Market-based: kWh without the share backed by retired certificates x the national average "
        "without market-traded non-fossil power, for want of an official residual mix.",
        "基于市场：扣除已注销绿证对应电量后 × 全国（不含市场化交易非化石电量）因子；"
        "官方剩余组合因子尚未公布。",
    ),
    (
        "Energy at the meter times PUE; without a rating in force the PUE is unknown and the "
        "overhead is missing. Unknown lines carry no figure and are counted.",
        "设备电量乘以 PUE；无有效评级时 PUE 未知，不含基础设施能耗。未知行不计数值但计入条数。",
    ),
    (
        "SCI (ISO/IEC 21031) = (E x I + M) / R, R one accelerator-hour, beside operational carbon "
        "alone (without M). M is the card's published embodied carbon over three years of use, an "
        "assumption; server, network and building are not in it. Where nobody published the card's "
        "figure, or the PUE is unknown, there is no SCI.",
        "SCI（ISO/IEC 21031）=（E×I＋M）÷R，R 为一卡时；旁列不含 M 的运行碳排放。"
        "M 为该型号加速卡已公布的隐含碳按三年使用期分摊（假设），不含服务器、网络和建筑。"
        "未公布隐含碳或 PUE 未知的，不给出 SCI。",
    ),
)


@dataclass(frozen=True, slots=True)
class CarbonLine:
    """One job of the month. kWh and kg; None = unknown. `basis` as in the module's docstring.

    embodied_kg   the job's part of making its cards, for the hours it held them
    """

    order_id: int | None
    workload: str
    pool: str
    facility: str
    provider: str
    adcode: str
    ended_at: datetime
    accelerator_hours: Decimal
    basis: str
    it_kwh: Decimal | None
    pue: Decimal | None
    facility_kwh: Decimal | None
    location_kg: Decimal | None
    location_factor: Decimal | None
    location_factor_of: str
    retired_kwh: Decimal | None
    market_kg: Decimal | None
    market_factor: Decimal | None
    market_factor_of: str
    operational_kg_per_hour: Decimal | None
    embodied_kg: Decimal | None
    sci_kg_per_hour: Decimal | None


@dataclass(frozen=True)
class CarbonStatement:
    """The month. Sums leave out unknown lines and say how many there are."""

    enterprise_id: int
    enterprise: str
    month: date
    lines: tuple[CarbonLine, ...]
    method: tuple[tuple[str, str], ...]
    factors_version: str

    def total(self, field: str) -> Decimal | None:
        """The sum of a field over the lines that know it; None when none does."""
        known = [getattr(line, field) for line in self.lines]
        known = [value for value in known if value is not None]
        return sum(known, Decimal(0)) if known else None

    @property
    def unknown_lines(self) -> int:
        return sum(line.location_kg is None for line in self.lines)

    def as_dict(self) -> dict[str, Any]:
        """The statement as JSON, and the SHA-256 of its lines."""
        lines = [asdict(line) for line in self.lines]
        return {
            "enterprise": self.enterprise_id,
            "enterprise_name": self.enterprise,
            "month": f"{self.month:%Y-%m}",
            "accelerator_hours": self.total("accelerator_hours"),
            "facility_kwh": self.total("facility_kwh"),
            "location_based_kg": self.total("location_kg"),
            "market_based_kg": self.total("market_kg"),
            "unknown_lines": self.unknown_lines,
            "estimated_lines": sum(line.basis == "estimated" for line in self.lines),
            "factors_version": self.factors_version,
            "method": [{"text_en": en, "text_zh": zh} for en, zh in self.method],
            "sha256": sha256_hex(canonical_json(lines)),
            "lines": lines,
        }


def carbon_statement(enterprise: Organization, *, month: date, at: datetime) -> CarbonStatement:
    """The statement of `enterprise` for the civil month (Asia/Shanghai) that begins at `month`.

    Factors are those public at `at`. A fixed number of queries, whatever the number of jobs.
    """
    starts_at, ends_at = start_of_day(month), start_of_day(months_later(month, 1))
    rows = list(_usage(enterprise, starts_at, ends_at))
    pool_ids = sorted({row["pool"] for row in rows})
    pools = Pool.objects.select_related("facility__provider", "accelerator").in_bulk(pool_ids)
    meters, sold = pool_meters(pool_ids, month=month), sold_hours(starts_at, ends_at)
    month_hours = Decimal(int((ends_at - starts_at).total_seconds())) / 3600
    ratings = _ratings(sorted({pool.facility_id for pool in pools.values()}), ends_at)
    return CarbonStatement(
        enterprise_id=enterprise.pk,
        enterprise=enterprise.name,
        month=month,
        lines=tuple(
            _line(
                row,
                pools[row["pool"]],
                meters.get(row["pool"]),
                sold.get(row["pool"], Decimal(0)),
                month_hours,
                ratings.get(pools[row["pool"]].facility_id, []),
                at,
            )
            for row in rows
        ),
        method=METHOD,
        factors_version=load_grid_factors().version,
    )


def _usage(enterprise: Organization, starts_at: datetime, ends_at: datetime) -> Any:
    placed = "job__allocation__placement__"
    return (
        UsageRecord.objects.filter(
            state="accepted",
            period__endswith__gt=starts_at,
            period__endswith__lte=ends_at,
            **{f"{placed}workload__enterprise": enterprise},
        )
        .values("job_id")
        .annotate(
            pool=Max(f"{placed}pool_id"),
            workload=Min(f"{placed}workload__reference"),
            order=Max("job__allocation__order__pk"),
            hours=Sum("accelerator_hours"),
            kwh=Sum("energy_kwh"),
            without_kwh=Count("pk", filter=Q(energy_kwh__isnull=True)),
            ended_at=Max("period__endswith"),
        )
        .order_by("ended_at", "job_id")
    )


def _ratings(facilities: list[int], before: datetime) -> dict[int, list[GreenRating]]:
    found: dict[int, list[GreenRating]] = {}
    rows = GreenRating.objects.filter(
        facility__in=facilities, valid__isnull=False, valid__startswith__lt=before
    )
    for rating in rows.order_by("period", "pk"):
        found.setdefault(rating.facility_id, []).append(rating)
    return found


def _in_force(ratings: list[GreenRating], at: datetime) -> GreenRating | None:
    held = [
        rating
        for rating in ratings
        if rating.valid.lower <= at < rating.valid.upper
        and (rating.revoked_from is None or at < rating.revoked_from)
    ]
    return held[-1] if held else None


def _line(
    row: dict[str, Any],
    pool: Pool,
    meters: PoolMeters | None,
    sold: Decimal,
    month_hours: Decimal,
    ratings: list[GreenRating],
    at: datetime,
) -> CarbonLine:
    facility, ended_at, hours = pool.facility, row["ended_at"], row["hours"]
    rating = _in_force(ratings, ended_at)
    pue = rating.pue if rating else None
    basis, energy = _energy(row, pool, meters, sold, month_hours, pue)
    factors, year, day = load_grid_factors(), civil_day(ended_at).year, civil_day(at)
    factor: GridFactor | None = None
    residual: GridFactor | None = None
    try:
        factor = factors.province_newest(facility.adcode, consumption_year=year, on=day)
        residual = factors.national_newest(RESIDUAL, consumption_year=year, on=day)
    except GridFactorUnknown:
        factor = residual = None
    retired = None if energy is None else _retired(energy.facility_kwh, rating)
    carbon = None
    if energy is not None and factor is not None:
        carbon = green.job_carbon(
            energy, factor, retired_kwh=retired or Decimal(0), residual=residual
        )
    market = carbon.market_based if carbon else None
    located = carbon.location_based if carbon else None
    lifetime = load_accelerators().lifetime_years * HOURS_A_YEAR
    embodied = embodied_share(pool.accelerator.embodied_kg, lifetime, hours)
    rate = sci(
        energy.facility_kwh if energy and pue is not None else None,
        factor.kg_per_kwh if factor else None,
        embodied,
        hours,
    )
    return CarbonLine(
        order_id=row["order"],
        workload=row["workload"],
        pool=pool.code,
        facility=facility.name,
        provider=facility.provider.name,
        adcode=facility.adcode,
        ended_at=ended_at,
        accelerator_hours=hours,
        basis=basis,
        it_kwh=energy.it_kwh if energy else None,
        pue=pue,
        facility_kwh=energy.facility_kwh if energy else None,
        location_kg=located.kg if located else None,
        location_factor=factor.kg_per_kwh if factor else None,
        location_factor_of=f"{factor.place} {factor.data_year} {factor.notice}" if factor else "",
        retired_kwh=retired,
        market_kg=market.kg if market else None,
        market_factor=residual.kg_per_kwh if residual else None,
        market_factor_of=(
            f"{residual.place} {residual.data_year} {residual.notice}" if residual else ""
        ),
        operational_kg_per_hour=((located.kg / hours).quantize(SIX) if located and hours else None),
        embodied_kg=embodied.quantize(SIX) if embodied is not None else None,
        sci_kg_per_hour=rate.quantize(SIX) if rate is not None else None,
    )


def _energy(
    row: dict[str, Any],
    pool: Pool,
    meters: PoolMeters | None,
    sold: Decimal,
    month_hours: Decimal,
    pue: Decimal | None,
) -> tuple[str, green.JobEnergy | None]:
    hours = row["hours"]
    if meters and meters.it_kwh is not None and meters.hours >= COVERED * month_hours:
        whole = meters.accelerator_hours
        whole = pool.units * meters.hours if whole is None else whole
        others = max(sold - hours, Decimal(0))
        share = green.share_energy(
            it_kwh=meters.it_kwh, pool_hours=whole, job_hours=[hours, others]
        )[0]
        return "pool_meter", green.job_energy(metered_it_kwh=share, pue=pue)
    if row["kwh"] is not None and not row["without_kwh"]:
        return "platform_meter", green.job_energy(metered_it_kwh=row["kwh"], pue=pue)
    utilization = None
    if meters and meters.accelerator_hours is not None:
        utilization = min(meters.accelerator_hours / (pool.units * month_hours), Decimal(1))
    energy = green.job_energy(
        metered_it_kwh=None,
        pue=pue,
        tdp_w=pool.accelerator.tdp_w,
        accelerator_hours=hours,
        utilization=utilization,
    )
    return ("unknown" if energy is None else "estimated"), energy


def _retired(facility_kwh: Decimal, rating: GreenRating | None) -> Decimal | None:
    """The job's part of what was retired for its facility: kWh x the rated share (REF).

    All jobs together never claim more than the facility retired. None without a rating that knows.
    """
    if rating is None:
        return None
    share = next((each["value"] for each in rating.indicators if each["id"] == "ref"), None)
    if share is None:
        return None
    return (facility_kwh * Decimal(share)).quantize(Decimal("0.000001"), rounding="ROUND_DOWN")
