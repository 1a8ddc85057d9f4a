"""Nothing below a threshold, a rate from there on.

Zhongwei (2024-07): 1 % of the year's whole trade volume from 10 million CNY, at most 2 million a
year. That is a cliff, and the terms say so (`threshold_on: whole`).
"""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from vouchers.rules.exact import floor_to, percent_text, yuan_text_en, yuan_text_zh
from vouchers.rules.rate import line_cap, rate_to_apply
from vouchers.rules.worksheet import Worksheet


def threshold_rate(
    basis_fen: int,
    threshold_fen: int,
    rate: Fraction,
    *,
    inclusive: bool = True,
    whole: bool = True,
) -> int:
    """Fen earned: `rate` of the whole basis (or of the excess) once the threshold is reached."""
    reached = basis_fen >= threshold_fen if inclusive else basis_fen > threshold_fen
    if not reached:
        return 0
    return floor_to((basis_fen if whole else basis_fen - threshold_fen) * rate)


def apply_threshold_rate(line: Mapping[str, Any], basis_fen: int, sheet: Worksheet) -> int | None:
    """Amount of a `threshold_rate` line; below the threshold it refuses with that reason."""
    threshold = sheet.parameter(line, "threshold_fen")
    rate = rate_to_apply(line, sheet)
    if threshold is None:
        return None
    inclusive = line.get("threshold_inclusive", True)
    reached = basis_fen >= threshold if inclusive else basis_fen > threshold
    sheet.money("threshold", threshold, "threshold", "门槛")
    sheet.judge(
        reached,
        "threshold",
        f"the basis {yuan_text_en(basis_fen)} must be {'at least' if inclusive else 'above'} "
        f"{yuan_text_en(threshold)}",
        f"基数 {yuan_text_zh(basis_fen)}，"
        f"须{'达到' if inclusive else '超过'} {yuan_text_zh(threshold)}",
        at="/threshold_fen",
        fact=line.get("basis"),
    )
    if rate is None:
        return None
    whole = line.get("threshold_on", "whole") == "whole"
    amount = threshold_rate(basis_fen, threshold, rate, inclusive=inclusive, whole=whole)
    sheet.step("rate", rate, "fraction", f"rate {percent_text(rate)}", f"比例 {percent_text(rate)}")
    part_en, part_zh = ("whole amount", "全额") if whole else ("excess", "超出部分")
    sheet.money(
        "rate_of_basis",
        amount,
        f"{percent_text(rate)} of the {part_en}, rounded down",
        f"{part_zh}的 {percent_text(rate)}（向下取整）",
    )
    return line_cap(line, amount, sheet)
