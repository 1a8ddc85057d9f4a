"""Who pays which share: an amount split between governments (Henan: province and city 1:1)."""

from collections.abc import Sequence


def split_by_ratio(amount_fen: int, ratio: Sequence[int]) -> list[int]:
    """Parts in the order of `ratio`, by largest remainder (ties: earlier party); they sum."""
    total = sum(ratio)
    if total <= 0 or min(ratio) < 0:
        raise ValueError("a ratio is of whole numbers, not all zero")
    parts = [amount_fen * share // total for share in ratio]
    order = sorted(range(len(ratio)), key=lambda i: (-(amount_fen * ratio[i] % total), i))
    for index in order[: amount_fen - sum(parts)]:
        parts[index] += 1
    return parts
