"""A sum once the gates hold, such as a one-off award behind a PUE gate (Kunming: ≤ 1.25)."""

from collections.abc import Mapping
from typing import Any

from vouchers.rules.rate import line_cap
from vouchers.rules.worksheet import Worksheet


def apply_lump_sum(line: Mapping[str, Any], sheet: Worksheet) -> int | None:
    """The sum in fen, or None when the source does not state it."""
    amount = sheet.parameter(line, "amount_fen")
    if amount is None:
        return None
    most = bool(line.get("amount_is_ceiling"))
    if most:
        sheet.reason(
            "note",
            "amount_is_a_ceiling",
            "this sum is the most the source allows",
            "此金额为上限，以核定为准",
            at="/amount_fen",
        )
    sheet.money(
        "lump_sum", amount, "sum, at most" if most else "sum", "最高金额" if most else "定额"
    )
    return line_cap(line, int(amount), sheet)
