"""Loan interest: at most so many points of the yearly rate AND at most a share of what was paid.

Hangzhou (2024-07-18): ≤ 1.5 percentage points, ≤ 50 % of the interest, ≤ 10 million CNY a year.
The points are turned into money as interest paid × points / loan rate, which needs no day count.
"""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from vouchers.rules.exact import floor_to, fraction_of, percent_text
from vouchers.rules.rate import line_cap
from vouchers.rules.worksheet import Worksheet


def interest_subsidy(
    interest_paid_fen: int, loan_rate: Fraction, *, points: Fraction, share: Fraction
) -> int:
    """Fen: the lower of both limits, rounded down. Raises ValueError for a loan rate of zero."""
    if loan_rate <= 0:
        raise ValueError("a loan without interest earns no interest subsidy")
    return floor_to(min(interest_paid_fen * points / loan_rate, interest_paid_fen * share))


def apply_interest_subsidy(line: Mapping[str, Any], basis_fen: int, sheet: Worksheet) -> int | None:
    """Amount of the line, or None when a limit or the loan's rate is unknown."""
    points, share = sheet.rate(line, "rate_points"), sheet.rate(line, "interest_share")
    loan = sheet.fact("loan_annual_rate")
    if points is None or share is None or loan is None:
        return None
    rate = fraction_of(loan)
    if rate == 0:
        sheet.judge(
            False,
            "no_interest",
            "the loan bears no interest",
            "贷款无利息",
            fact="loan_annual_rate",
        )
        return 0
    sheet.money(
        "by_points",
        floor_to(basis_fen * points / rate),
        f"{percent_text(points)} of the yearly rate {percent_text(rate)}",
        f"年利率 {percent_text(rate)} 中的 {percent_text(points)}",
    )
    sheet.money(
        "by_share",
        floor_to(basis_fen * share),
        f"{percent_text(share)} of the interest",
        f"利息的 {percent_text(share)}",
    )
    amount = interest_subsidy(basis_fen, rate, points=points, share=share)
    sheet.money("interest_subsidy", amount, "the lower of both", "两者取低")
    return line_cap(line, amount, sheet)
