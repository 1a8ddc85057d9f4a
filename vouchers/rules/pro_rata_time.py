"""Only the share of the contract's days inside a period counts; cut down, never rounded up.

Official Nanning example (2025 guide): contract 2025-01-01 to 2026-12-31, settled 200,000 CNY,
period 2025-03-01 to 2025-12-31: 305/729 × 20 万元 = 8.3676 万元, × 30 % = 2.5102 万元,
four decimals of 万元 kept (1 yuan) and not rounded. Days are end minus
start there: 305 and 729, not 306 and 730.
"""

from datetime import date
from fractions import Fraction
from typing import Any

from vouchers.rules.exact import floor_to
from vouchers.rules.worksheet import Worksheet


def days_between(first: date, last: date, *, inclusive: bool) -> int:
    """Days from `first` to `last`; both counted when inclusive; 0 when there is nothing between."""
    return max((last - first).days + (1 if inclusive else 0), 0)


def share_of_days(
    contract: tuple[date, date], period: tuple[date, date], *, inclusive: bool
) -> tuple[int, int]:
    """(days inside the period, days of the contract)."""
    first, last = max(contract[0], period[0]), min(contract[1], period[1])
    return (
        days_between(first, last, inclusive=inclusive),
        days_between(*contract, inclusive=inclusive),
    )


def apply_pro_rata(line: dict[str, Any], basis_fen: int, sheet: Worksheet) -> int | None:
    """The basis cut to the period, or None when the contract's days are unknown."""
    rule = line["pro_rata"]
    starts, ends = sheet.fact("contract_starts_on"), sheet.fact("contract_ends_on")
    if starts is None or ends is None:
        return None
    contract = (date.fromisoformat(starts), date.fromisoformat(ends))
    period = (date.fromisoformat(rule["from"]), date.fromisoformat(rule["through"]))
    inside, whole = share_of_days(contract, period, inclusive=rule["days"] == "inclusive")
    if whole <= 0:
        sheet.judge(
            False,
            "contract_has_no_days",
            "the contract ends before it starts",
            "合同结束日早于开始日",
            at="/pro_rata",
            fact="contract_ends_on",
        )
        return 0
    sheet.step(
        "days_in_period",
        inside,
        "days",
        f"{inside} days of the contract in the period",
        f"合同在基期内 {inside} 天",
    )
    sheet.step(
        "days_of_contract", whole, "days", f"{whole} days of the contract", f"合同共 {whole} 天"
    )
    cut = floor_to(Fraction(basis_fen * inside, whole), line.get("quantum_fen", 1))
    sheet.money(
        "basis_in_period",
        cut,
        f"{inside}/{whole} of the basis, cut down",
        f"基数的 {inside}/{whole}（截断）",
    )
    return cut
