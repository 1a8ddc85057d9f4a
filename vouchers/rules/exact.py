"""Exact numbers: rates as fractions, money as integer fen, rounding that says its name."""

import re
from fractions import Fraction

_RATE = re.compile(r"-?\d+(\.\d+)?|\d+/[1-9]\d*")


def fraction_of(text: str | int) -> Fraction:
    """`"0.2"`, `"1/3"` or an int as an exact fraction. Raises ValueError for anything else."""
    if isinstance(text, bool) or not isinstance(text, str | int):
        raise ValueError(f"{text!r} is not a decimal or a fraction written as text")
    if isinstance(text, str) and not _RATE.fullmatch(text):
        raise ValueError(f"{text!r} is not a decimal or a fraction written as text")
    return Fraction(text)


def floor_to(value: Fraction | int, quantum_fen: int = 1) -> int:
    """`value` rounded down to a whole multiple of `quantum_fen` (public money never rounds up)."""
    exact = Fraction(value)
    return exact.numerator // (exact.denominator * quantum_fen) * quantum_fen


def percent_text(rate: Fraction) -> str:
    """A rate for people: 1/5 → "20%", 3/200 → "1.5%", 1/3 → "1/3"."""
    percent = rate * 100
    digits = 0
    while digits <= 4:
        if (percent * 10**digits).denominator == 1:
            whole, part = divmod(int(percent * 10**digits), 10**digits)
            return f"{whole}.{part:0{digits}d}%" if digits else f"{whole}%"
        digits += 1
    return f"{rate.numerator}/{rate.denominator}"


def yuan_text_en(amount_fen: int) -> str:
    """Fen for people: 200000000 → "2,000,000 CNY"; fen shown only when there are some."""
    yuan, fen = divmod(amount_fen, 100)
    return f"{yuan:,}.{fen:02d} CNY" if fen else f"{yuan:,} CNY"


def yuan_text_zh(amount_fen: int) -> str:
    """Fen for people in Chinese: 200000000 → "200 万元", 15000000000 → "1.5 亿元"."""
    yuan, fen = divmod(amount_fen, 100)
    if fen == 0:
        for unit, name in ((10**8, "亿元"), (10**4, "万元")):
            if yuan >= unit and yuan % (unit // 10**4) == 0:
                text = f"{yuan // unit}.{yuan % unit:0{len(str(unit)) - 1}d}".rstrip("0")
                return f"{text.rstrip('.')} {name}"
        return f"{yuan:,} 元"
    return f"{yuan:,}.{fen:02d} 元"
