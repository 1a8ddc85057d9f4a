"""Rate of a basis, fixed or at most (至多), under the line's own ceiling: 合同额的 20%."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from vouchers.rules.exact import floor_to, fraction_of, percent_text, yuan_text_en, yuan_text_zh
from vouchers.rules.worksheet import Worksheet


def rate_of(basis_fen: int, rate: Fraction, *, quantum_fen: int = 1) -> int:
    """`rate` of `basis_fen`, cut down to a multiple of `quantum_fen`."""
    return floor_to(basis_fen * rate, quantum_fen)


def line_cap(line: Mapping[str, Any], amount_fen: int, sheet: Worksheet) -> int:
    """Cut to the line's quantum and under its own ceiling; a ceiling of null leaves the amount and
    records that it is unknown."""
    amount_fen = floor_to(amount_fen, line.get("quantum_fen", 1))
    if "cap_fen" not in line:
        return amount_fen
    cap = sheet.parameter(line, "cap_fen")
    if cap is None:
        return amount_fen
    capped = min(amount_fen, int(cap))
    sheet.money(
        "after_line_cap", capped, f"at most {yuan_text_en(cap)}", f"不超过 {yuan_text_zh(cap)}"
    )
    return capped


def rate_to_apply(line: Mapping[str, Any], sheet: Worksheet) -> Fraction | None:
    """The rate, or the lower one an officer fixed where the source says at most."""
    rate = sheet.rate(line, "rate")
    if rate is None:
        return None
    approved = sheet.facts.get("approved_rate")
    if line.get("rate_is_ceiling") and approved is not None:
        fixed = fraction_of(approved)
        sheet.judge(
            fixed <= rate,
            "approved_rate_within_ceiling",
            f"approved rate {percent_text(fixed)}, at most {percent_text(rate)}",
            f"核定比例 {percent_text(fixed)}，上限 {percent_text(rate)}",
            at="/rate",
            fact="approved_rate",
        )
        return min(fixed, rate)
    if line.get("rate_is_ceiling"):
        sheet.reason(
            "note",
            "rate_is_a_ceiling",
            f"{percent_text(rate)} is the most the source allows; an officer may fix less",
            f"{percent_text(rate)} 为上限，核定时可低于此比例",
            at="/rate",
        )
    return rate


def apply_rate(line: Mapping[str, Any], basis_fen: int, sheet: Worksheet) -> int | None:
    """Amount of a `rate` line in fen, or None when the rate is unknown."""
    rate = rate_to_apply(line, sheet)
    if rate is None:
        return None
    amount = rate_of(basis_fen, rate, quantum_fen=line.get("quantum_fen", 1))
    sheet.step("rate", rate, "fraction", f"rate {percent_text(rate)}", f"比例 {percent_text(rate)}")
    sheet.money(
        "rate_of_basis",
        amount,
        f"{percent_text(rate)} of the basis, rounded down",
        f"基数的 {percent_text(rate)}（向下取整）",
    )
    return line_cap(line, amount, sheet)
