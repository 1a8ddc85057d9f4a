"""Money is an integer number of fen, and every division says how it rounds."""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

CURRENCY = "CNY"
LARGEST_FEN = 2**53 - 1  # what a JSON client can hold exactly: 90 trillion CNY


def is_amount(value: object) -> bool:
    """Whether `value` is a positive integer of fen within LARGEST_FEN."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value <= LARGEST_FEN


def floor_share(amount_fen: int, rate: Fraction | Decimal) -> int:
    """`rate` of `amount_fen`, rounded down to a whole fen (public money never rounds up)."""
    share = Fraction(amount_fen) * Fraction(rate)
    return share.numerator // share.denominator


def split_pro_rata(amount_fen: int, weights: Sequence[int]) -> list[int]:
    """Split `amount_fen` in proportion to `weights` by largest remainder; the parts always sum.

    Ties go to the earlier weight. Raises ValueError when all weights are zero or one is negative.
    """
    total = sum(weights)
    if total <= 0 or min(weights) < 0:
        raise ValueError("weights must be non-negative and not all zero")
    parts = [amount_fen * weight // total for weight in weights]
    by_remainder = sorted(
        range(len(weights)), key=lambda i: (-(amount_fen * weights[i] % total), i)
    )
    for i in by_remainder[: amount_fen - sum(parts)]:
        parts[i] += 1
    return parts


def yuan_text(amount_fen: int) -> str:
    """Fen as yuan with two decimals and thousands separators, for people."""
    sign = "-" if amount_fen < 0 else ""
    yuan, fen = divmod(abs(amount_fen), 100)
    return f"{sign}{yuan:,}.{fen:02d}"
