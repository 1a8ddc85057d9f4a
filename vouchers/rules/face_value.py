"""Vouchers of fixed denominations: the largest sum of them that stays within an amount."""

from collections.abc import Mapping, Sequence
from math import gcd
from typing import Any

from vouchers.rules.exact import yuan_text_en, yuan_text_zh
from vouchers.rules.worksheet import Worksheet


def split_into_denominations(amount_fen: int, denominations_fen: Sequence[int]) -> dict[int, int]:
    """Denomination → count, reaching the largest possible sum ≤ amount with the fewest vouchers.

    Exact: with L the largest denomination and g the greatest common divisor, no best answer needs
    smaller vouchers worth more than L·L/g (any L/g of them hold a subset that L replaces), so all
    but that much is paid in L and the rest is solved by dynamic programming.
    """
    coins = sorted(set(denominations_fen), reverse=True)
    if not coins or coins[-1] <= 0:
        raise ValueError("denominations must be positive")
    unit = gcd(*coins)
    largest = coins[0]
    rest_limit = min(amount_fen, largest * (largest // unit) + largest)
    bulk = (amount_fen - rest_limit) // largest if amount_fen > rest_limit else 0
    size = (amount_fen - bulk * largest) // unit
    fewest: list[tuple[int, int] | None] = [None] * (size + 1)
    fewest[0] = (0, 0)
    for target in range(1, size + 1):
        for coin in coins:
            step = coin // unit
            if step <= target and (before := fewest[target - step]) is not None:
                candidate = (before[0] + 1, coin)
                if fewest[target] is None or candidate[0] < fewest[target][0]:  # type: ignore[index]
                    fewest[target] = candidate
    best = max(index for index, entry in enumerate(fewest) if entry is not None)
    counts = dict.fromkeys(coins, 0)
    counts[largest] += bulk
    while best:
        coin = fewest[best][1]  # type: ignore[index]
        counts[coin] += 1
        best -= coin // unit
    return counts


def apply_face_value(line: Mapping[str, Any], basis_fen: int, sheet: Worksheet) -> int | None:
    """The face value that fits into `basis_fen`, or None when the denominations are unknown."""
    denominations = sheet.parameter(line, "denominations_fen")
    if denominations is None:
        return None
    counts = split_into_denominations(basis_fen, denominations)
    for coin, count in counts.items():
        if count:
            sheet.step(
                f"vouchers_of_{coin}",
                count,
                "vouchers",
                f"{count} × {yuan_text_en(coin)}",
                f"{yuan_text_zh(coin)} × {count} 张",
            )
    total = sum(coin * count for coin, count in counts.items())
    sheet.money("face_value", total, "face value", "面值合计")
    return total
