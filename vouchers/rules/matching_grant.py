"""A share of a grant another government pays.

Ningxia: ≤ 10 % of the national grant, ≤ 20 million CNY. Anhui: 1/3 of what the city actually paid,
from 400 P of new intelligent compute.
"""

from collections.abc import Mapping
from typing import Any

from vouchers.rules.exact import floor_to, percent_text
from vouchers.rules.rate import line_cap, rate_to_apply
from vouchers.rules.worksheet import Worksheet


def apply_matching_grant(line: Mapping[str, Any], grant_fen: int, sheet: Worksheet) -> int | None:
    """Amount of the line in fen, or None when the share is unknown."""
    rate = rate_to_apply(line, sheet)
    if rate is None:
        return None
    amount = floor_to(grant_fen * rate)
    sheet.step(
        "rate", rate, "fraction", f"matches {percent_text(rate)}", f"配套 {percent_text(rate)}"
    )
    sheet.money("matched", amount, "match, rounded down", "配套金额（向下取整）")
    return line_cap(line, amount, sheet)
