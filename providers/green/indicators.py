"""The indicators: one function each, with formula, unit, standard and boundary.

Every function returns six decimals, or None when an input is missing; nothing is filled in.
The standards were read in excerpts only, see docs/guides/green-method.md.
"""

from dataclasses import dataclass
from decimal import Decimal

from .evidence import Facility, MeterKind, RatingFactors
from .exact import RATIO, ZERO, exact_arithmetic
from .meters import MeterYear


@dataclass(frozen=True, slots=True)
class Indicator:
    """One indicator of a facility and period. `value` None = unrated, for want of `missing`."""

    id: str
    value: Decimal | None
    unit: str
    standard: str
    missing: str | None


def _ratio(part: Decimal | None, whole: Decimal | None) -> Decimal | None:
    if part is None or whole is None or whole <= 0:
        return None
    with exact_arithmetic():
        return (part / whole).quantize(RATIO)


def pue(total_kwh: Decimal | None, it_kwh: Decimal | None) -> Decimal | None:
    """PUE = E_DC / E_IT, a ratio of at least 1 (ISO/IEC 30134-2).

    Boundary: everything the facility draws over everything its IT equipment uses, the same hours.
    """
    return _ratio(total_kwh, it_kwh)


def wue(water_m3: Decimal | None, it_kwh: Decimal | None) -> Decimal | None:
    """WUE = W / E_IT, liters per kWh of IT (ISO/IEC 30134-9). Boundary: water drawn on site."""
    return _ratio(None if water_m3 is None else water_m3 * 1000, it_kwh)


def cue(
    total_kwh: Decimal | None, it_kwh: Decimal | None, kg_per_kwh: Decimal | None
) -> Decimal | None:
    """CUE = CO2 of E_DC / E_IT, kgCO2 per kWh of IT (ISO/IEC 30134-8).

    Location-based, one provincial factor for all hours (flat): equals PUE x factor.
    """
    if total_kwh is None or kg_per_kwh is None:
        return None
    return _ratio(total_kwh * kg_per_kwh, it_kwh)


def ref(renewable_kwh: Decimal | None, facility_kwh: Decimal | None) -> Decimal | None:
    """REF = E_ren / E_DC, share 0..1 (ISO/IEC 30134-3).

    Renewable energy counts only with its attribute retired here; surplus beyond need does not.
    """
    if renewable_kwh is None or facility_kwh is None:
        return None
    return _ratio(min(renewable_kwh, facility_kwh), facility_kwh)


def erf(reused_kwh: Decimal | None, total_kwh: Decimal | None) -> Decimal | None:
    """ERF = E_reuse / E_DC, share (ISO/IEC 30134-6). Boundary: heat used outside the site."""
    return _ratio(reused_kwh, total_kwh)


def cfe_hourly(
    clean_by_hour: dict[int, Decimal], load_by_hour: dict[int, Decimal]
) -> Decimal | None:
    """Hourly carbon-free share = sum_t min(clean_t, load_t) / sum_t load_t (our own definition).

    Only hours metered on both sides. Certificates have no hour and never count.
    """
    hours = clean_by_hour.keys() & load_by_hour.keys()
    with exact_arithmetic():
        matched = sum((min(clean_by_hour[h], load_by_hour[h]) for h in sorted(hours)), ZERO)
        load = sum((load_by_hour[h] for h in sorted(hours)), ZERO)
    return _ratio(matched, load) if hours else None


def rack_utilization(in_use: int | None, installed: int | None) -> Decimal | None:
    """上架率 = racks in use / racks installed, share 0..1 (national index 2025, indicator 13)."""
    if in_use is None or installed is None or in_use > installed:
        return None
    return _ratio(Decimal(in_use), Decimal(installed))


def it_load(
    it_kwh: Decimal | None, hours: int, racks_in_use: int | None, nominal_rack_kw: Decimal | None
) -> Decimal | None:
    """信息设备负荷使用率 = mean rack power / nominal rack power.

    National index 2025, indicator 14. Mean rack power = IT energy / hours metered /
    racks in use. Above 1 is impossible: None.
    """
    if it_kwh is None or not hours or not racks_in_use or not nominal_rack_kw:
        return None
    share = _ratio(it_kwh, nominal_rack_kw * racks_in_use * hours)
    return None if share is None or share > 1 else share


def demand_response(adjustable_kw: Decimal | None, maximum_kw: Decimal | None) -> Decimal | None:
    """Adjustable load / maximum load, share 0..1 (national index 2025, indicator 4)."""
    share = _ratio(adjustable_kw, maximum_kw)
    return None if share is None or share > 1 or share < 0 else share


def ce(fp32_gflops: Decimal | None, it_power_w: Decimal | None) -> Decimal | None:
    """算效 CE = total FP32 compute / IT power, GFLOPS per W (CAICT report 2025, footnote 17)."""
    return _ratio(fp32_gflops, it_power_w)


def se(storage_gb: Decimal | None, it_power_w: Decimal | None) -> Decimal | None:
    """存效 SE = total storage / IT power, GB per W (CAICT report 2025, footnote 18)."""
    return _ratio(storage_gb, it_power_w)


def sci(
    energy_kwh: Decimal | None,
    kg_per_kwh: Decimal | None,
    embodied_kg: Decimal | None,
    units: Decimal | None,
) -> Decimal | None:
    """SCI = (E x I + M) / R, kgCO2e per unit R (ISO/IEC 21031:2024).

    R here is one accelerator-hour. I is location-based; market instruments and offsets stay out.
    The standard requires an estimate of M: without one there is no SCI, only None.
    """
    if energy_kwh is None or kg_per_kwh is None or embodied_kg is None:
        return None
    with exact_arithmetic():
        return _ratio(energy_kwh * kg_per_kwh + embodied_kg, units)


def embodied_share(
    embodied_kg: Decimal | None, lifetime_hours: Decimal, hours: Decimal
) -> Decimal | None:
    """M = TE x TS, kgCO2e: the part of making a card that falls on `hours` of it (ISO/IEC 21031).

    TE is the card's embodied carbon, TS the hours over its expected life; a card in use is reserved
    whole, so the standard's share of resources is 1. None when TE is unknown.
    """
    if embodied_kg is None:
        return None
    with exact_arithmetic():
        return _ratio(embodied_kg * hours, lifetime_hours)


def clean_by_hour(year: MeterYear) -> dict[int, Decimal] | None:
    """Own generation kept on site plus direct line, by hour; None when neither is metered.

    An hour counts only if every clean source that is metered at all has a value in it.
    """
    kinds = [MeterKind.ONSITE_GENERATION, MeterKind.DIRECT_LINE]
    metered = [year.by_hour[kind] for kind in kinds if year.by_hour.get(kind)]
    if not metered:
        return None
    exports = year.by_hour.get(MeterKind.EXPORT, {})
    hours = set(metered[0]).intersection(*metered[1:])
    return {
        hour: max(sum((values[hour] for values in metered), ZERO) - exports.get(hour, ZERO), ZERO)
        for hour in sorted(hours)
    }


def facility_kwh(year: MeterYear) -> Decimal | None:
    """E_DC of the whole period: the metered hours scaled up to all hours, so that certificates for
    the whole year are not measured against part of its consumption. None when nothing is metered.
    """
    totals = year.by_hour.get(MeterKind.FACILITY_TOTAL, {})
    if not totals:
        return None
    with exact_arithmetic():
        return (sum(totals.values(), ZERO) * year.period.hours / len(totals)).quantize(RATIO)


def indicators_of(
    facility: Facility,
    year: MeterYear,
    factors: RatingFactors,
    renewable_kwh: Decimal | None,
    coverage_min: Decimal,
) -> tuple[Indicator, ...]:
    """All indicators of a facility and period, in a fixed order.

    An electricity indicator needs `coverage_min` of the hours; water needs it in covered time.
    `renewable_kwh` is what `renewable.count_renewable` counted, None when nothing was claimed.
    """
    enough = year.coverage >= coverage_min
    total, it = (year.total_kwh, year.it_kwh) if enough else (None, None)
    whole = facility_kwh(year) if enough else None
    clean = clean_by_hour(year) if enough else None
    if clean is not None and Decimal(len(clean)) / year.period.hours < coverage_min:
        clean = None
    meters = "facility total and IT energy of enough hours"
    kg = factors.grid_kg_per_kwh

    def one(id_: str, value: Decimal | None, unit: str, standard: str, needs: str) -> Indicator:
        return Indicator(id_, value, unit, standard, None if value is not None else needs)

    def volume(kind: MeterKind) -> Decimal | None:
        covered = year.volume_hours.get(kind, ZERO)
        return year.volumes[kind] if covered >= coverage_min * year.period.hours else None

    loads = year.by_hour.get(MeterKind.FACILITY_TOTAL, {})
    with exact_arithmetic():
        return (
            one("pue", pue(total, it), "ratio", "ISO/IEC 30134-2", meters),
            one(
                "renewable",
                ref(renewable_kwh, whole),
                "share",
                "ISO/IEC 30134-3",
                f"{meters}, and retired certificates",
            ),
            one(
                "rack_utilization",
                rack_utilization(facility.racks_in_use, facility.installed_racks),
                "share",
                "national index 2025, indicator 13",
                "installed racks and racks in use",
            ),
            one(
                "it_load",
                it_load(it, year.paired_hours, facility.racks_in_use, facility.nominal_rack_kw),
                "share",
                "national index 2025, indicator 14",
                "IT energy, racks in use and nominal rack power",
            ),
            one(
                "demand_response",
                demand_response(facility.adjustable_load_kw, facility.maximum_load_kw),
                "share",
                "national index 2025, indicator 4",
                "adjustable and maximum load",
            ),
            one("wue", wue(volume(MeterKind.WATER), it), "L/kWh", "ISO/IEC 30134-9", "water meter"),
            one(
                "hourly_cfe",
                None if clean is None else cfe_hourly(clean, loads),
                "share",
                "own definition",
                "hourly meters of own generation or direct line",
            ),
            one("cue", cue(total, it, kg), "kgCO2/kWh", "ISO/IEC 30134-8", "energy and factor"),
            one(
                "erf",
                erf(volume(MeterKind.REUSED_HEAT), total),
                "share",
                "ISO/IEC 30134-6",
                "reused heat meter",
            ),
        )
