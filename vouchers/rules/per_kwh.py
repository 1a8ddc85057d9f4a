"""So many fen for each kWh of green electricity. Karamay: 0.06 or 0.05 CNY by year built."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from vouchers.rules.exact import floor_to, fraction_of
from vouchers.rules.rate import line_cap
from vouchers.rules.worksheet import Worksheet


def per_kwh(energy_kwh: Fraction, fen_per_kwh: Fraction) -> int:
    """Fen for `energy_kwh`, rounded down once at the end."""
    return floor_to(energy_kwh * fen_per_kwh)


def apply_per_kwh(line: Mapping[str, Any], sheet: Worksheet) -> int | None:
    """Amount of the line in fen, or None when the price or the energy is unknown."""
    price, energy = sheet.rate(line, "fen_per_kwh"), sheet.facts.get("green_energy_kwh")
    if energy is None:
        energy = sheet.fact("green_energy_kwh")
    if price is None or energy is None:
        return None
    sheet.step(
        "green_energy", energy, "kWh", f"{energy} kWh of green electricity", f"绿电 {energy} 千瓦时"
    )
    sheet.step("price", price, "fen/kWh", f"{price} fen per kWh", f"每千瓦时 {price} 分")
    amount = per_kwh(fraction_of(energy), price)
    sheet.money("per_kwh", amount, "subsidy, rounded down", "补贴金额（向下取整）")
    return line_cap(line, amount, sheet)
