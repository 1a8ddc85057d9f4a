"""An enterprise's carbon of a civil month, as an ESG report needs it: two ledgers side by side.

Energy of a job is what `job_energy` says. The location-based ledger takes the province's published
factor and nothing else; the market-based one takes out the share of the facility's energy for which
certificates were retired. They are never added to each other.
"""

from dataclasses import asdict, dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from audit.canonical import canonical_json, sha256_hex
from identity.models import Organization
from marketplace.job_energy import PLACED, UsedEnergy, facility_months, jobs_of_month
from providers import green
from providers.facts import (
    GridFactor,
    GridFactorUnknown,
    load_accelerators,
    load_grid_factors,
)
from providers.green.exact import civil_day
from providers.green.indicators import embodied_share, sci
from providers.models import GreenRating, Pool

RESIDUAL = "average_excluding_market_traded_nonfossil"
SIX, HOURS_A_YEAR = Decimal("0.000001"), 8760
METHOD = (
    (
        "Location-based: kWh x the province's published average factor, flat over the hours. "
        "Certificates never change it.",
        "基于位置：用电量 × 省级平均排放因子（全时段同一数值），绿证不改变该结果。",
    ),
    (
        "Market-based: kWh without the renewable share of the rated year (retired certificates) x "
        "the national average without market-traded non-fossil power, for want of an official "
        "residual mix. The rated year lies before the job.",
        "基于市场：按评级年度的可再生能源占比（已注销绿证）扣减后 × 全国（不含市场化交易非化石"
        "电量）因子；官方剩余组合因子尚未公布。评级年度早于作业时间。",
    ),
    (
        "Energy at the meter times PUE; without a rating in force the PUE is unknown and the "
        "overhead is missing. Unknown lines carry no figure and are counted.",
        "设备电量乘以 PUE；无有效评级时 PUE 未知，不含基础设施能耗。未知行不计数值但计入条数。",
    ),
    (
        "In no clock hour do a facility's jobs together get more than it metered: where they "
        "would, all are scaled down alike, and the line says how many kWh were cut.",
        "任一小时内同一设施全部作业的用电合计不超过该设施计量值；超出时按同一比例下调，"
        "并在该行注明下调的千瓦时。",
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
    """One job of the month. kWh and kg; None = unknown. `basis` as in `job_energy`.

    cut_kwh       taken off because the facility's jobs came to more than it metered; 0 = nothing
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
    cut_kwh: Decimal | None
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
            "cut_lines": sum(bool(line.cut_kwh) for line in self.lines),
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
    rows = list(jobs_of_month(month, **{f"{PLACED}workload__enterprise": enterprise}))
    pools = Pool.objects.select_related("facility__provider", "accelerator").in_bulk(
        sorted({row["pool"] for row in rows})
    )
    months = facility_months({pool.facility_id for pool in pools.values()}, month=month)
    return CarbonStatement(
        enterprise_id=enterprise.pk,
        enterprise=enterprise.name,
        month=month,
        lines=tuple(
            _line(
                row,
                pools[row["pool"]],
                months[pools[row["pool"]].facility_id].jobs[row["job_id"]],
                at,
            )
            for row in rows
        ),
        method=METHOD,
        factors_version=load_grid_factors().version,
    )


def _line(row: dict[str, Any], pool: Pool, used: UsedEnergy, at: datetime) -> CarbonLine:
    facility, ended_at, hours = pool.facility, row["ended_at"], row["hours"]
    rating, energy = used.rating, used.energy
    pue = rating.pue if rating else None
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
        basis=used.basis,
        it_kwh=energy.it_kwh if energy else None,
        pue=pue,
        facility_kwh=energy.facility_kwh if energy else None,
        cut_kwh=used.cut_kwh,
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


def _retired(facility_kwh: Decimal, rating: GreenRating | None) -> Decimal | None:
    """The job's kWh x the renewable share (REF) of the rated year; None when that is not known.

    The rated year is over when its rating begins: the share is last year's, laid over this job.
    """
    if rating is None:
        return None
    share = next((each["value"] for each in rating.indicators if each["id"] == "ref"), None)
    if share is None:
        return None
    return (facility_kwh * Decimal(share)).quantize(Decimal("0.000001"), rounding="ROUND_DOWN")
