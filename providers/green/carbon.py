"""Two carbon ledgers, kept apart, and the carbon of a job.

Location-based: kWh x the province's published factor. Certificates never change it.
Market-based: what is left after retired certificates x a residual factor. They are shown side by
side and never blended (GHG Protocol, Scope 2 Guidance: dual reporting).
"""

from dataclasses import dataclass
from decimal import Decimal

from providers.facts import GridFactor

from .evidence import GreenInputError
from .exact import KILOGRAMS, QUANTITY, ZERO, exact_arithmetic


@dataclass(frozen=True, slots=True)
class CarbonAmount:
    """One figure of one ledger.

    ledger   location_based | market_based
    shape    flat (one factor for every hour) | hourly (a real series); only flat exists for China
    """

    ledger: str
    kwh: Decimal
    kg: Decimal
    kg_per_kwh: Decimal
    shape: str
    factor_place: str
    factor_data_year: int
    factor_notice: str
    factor_version: str


@dataclass(frozen=True, slots=True)
class JobEnergy:
    """Energy of a job. basis: metered | estimated (TDP x utilization, no meter behind it).

    it_kwh at the servers; facility_kwh = it_kwh x PUE, or equal to it_kwh with pue None (unknown:
    then the facility's overhead is missing from the figure and `overhead_known` is False).
    """

    it_kwh: Decimal
    facility_kwh: Decimal
    pue: Decimal | None
    basis: str
    overhead_known: bool


@dataclass(frozen=True, slots=True)
class JobCarbon:
    """Both ledgers of a job side by side. market_based None = no residual factor known."""

    energy: JobEnergy
    location_based: CarbonAmount
    market_based: CarbonAmount | None
    retired_kwh: Decimal


def location_based(kwh: Decimal, factor: GridFactor) -> CarbonAmount:
    """kg = kWh x provincial factor of the data year, flat over the hours.

    There is no parameter for certificates: they cannot lower it. Raises GreenInputError below 0
    and for a product footprint factor.
    """
    _not_negative("kwh", kwh)
    with exact_arithmetic():
        return _amount("location_based", kwh, factor)


def market_based(kwh: Decimal, retired_kwh: Decimal, residual: GridFactor) -> CarbonAmount:
    """kg = max(0, kWh - retired kWh) x residual factor; certified kWh count as zero.

    China publishes no residual mix; the nearest official stand-in is the national average without
    market-traded non-fossil power, and `factor_place` says so. Raises GreenInputError below 0.
    """
    _not_negative("kwh", kwh)
    _not_negative("retired_kwh", retired_kwh)
    with exact_arithmetic():
        return _amount("market_based", max(kwh - retired_kwh, ZERO), residual)


def job_energy(
    *,
    metered_it_kwh: Decimal | None,
    pue: Decimal | None,
    tdp_w: Decimal | None = None,
    accelerator_hours: Decimal | None = None,
    utilization: Decimal | None = None,
) -> JobEnergy | None:
    """Energy of a job: metered pool energy where there is any, else TDP x hours x utilization.

    None when neither is known: nothing is guessed. Raises GreenInputError on impossible figures.
    """
    if pue is not None and pue < 1:
        raise GreenInputError("pue", "cannot be below 1", "不能小于 1")
    if utilization is not None and not 0 <= utilization <= 1:
        raise GreenInputError("utilization", "must lie between 0 and 1", "须在 0 与 1 之间")
    with exact_arithmetic():
        if metered_it_kwh is not None:
            _not_negative("metered_it_kwh", metered_it_kwh)
            it, basis = metered_it_kwh, "metered"
        elif tdp_w is not None and accelerator_hours is not None and utilization is not None:
            _not_negative("tdp_w", tdp_w)
            _not_negative("accelerator_hours", accelerator_hours)
            it, basis = tdp_w * accelerator_hours * utilization / 1000, "estimated"
        else:
            return None
        return JobEnergy(
            it_kwh=it.quantize(QUANTITY),
            facility_kwh=(it * (pue or 1)).quantize(QUANTITY),
            pue=pue,
            basis=basis,
            overhead_known=pue is not None,
        )


def job_carbon(
    energy: JobEnergy,
    factor: GridFactor,
    *,
    retired_kwh: Decimal = ZERO,
    residual: GridFactor | None = None,
) -> JobCarbon:
    """Both ledgers for a job. `retired_kwh` = certificates retired and allocated to this job."""
    return JobCarbon(
        energy=energy,
        location_based=location_based(energy.facility_kwh, factor),
        market_based=(
            None if residual is None else market_based(energy.facility_kwh, retired_kwh, residual)
        ),
        retired_kwh=retired_kwh,
    )


def _amount(ledger: str, kwh: Decimal, factor: GridFactor) -> CarbonAmount:
    if factor.place.startswith("national:footprint"):
        raise GreenInputError(
            "factor",
            "a product footprint factor is not for electricity accounts",
            "产品碳足迹因子不得用于电力碳核算",
        )
    return CarbonAmount(
        ledger=ledger,
        kwh=kwh.quantize(QUANTITY),
        kg=(kwh * factor.kg_per_kwh).quantize(KILOGRAMS),
        kg_per_kwh=factor.kg_per_kwh,
        shape="flat",
        factor_place=factor.place,
        factor_data_year=factor.data_year,
        factor_notice=factor.notice,
        factor_version=factor.version,
    )


def _not_negative(field: str, value: Decimal) -> None:
    if not value.is_finite() or value < 0:
        raise GreenInputError(field, "cannot be negative", "不能为负")
