"""Compute given in kind, never turned into money. Wuhan: not less than 2000 卡时 a year."""

from collections.abc import Mapping
from typing import Any

from vouchers.rules.answers import InKind
from vouchers.rules.worksheet import Worksheet

_UNITS = {"card_hour": ("card-hours", "卡时"), "core_hour": ("core-hours", "核时")}


def apply_in_kind(line: Mapping[str, Any], sheet: Worksheet) -> int | None:
    """0 fen; the grant itself is put on the sheet. None when the quantity is unknown."""
    quantity = sheet.parameter(line, "quantity")
    if quantity is None:
        return None
    unit_en, unit_zh = _UNITS[line.get("unit", "card_hour")]
    least = bool(line.get("quantity_is_minimum"))
    text_en = f"{'at least ' if least else ''}{quantity} {unit_en}"
    text_zh = f"{'不少于 ' if least else ''}{quantity} {unit_zh}"
    sheet.in_kind.append(InKind(quantity, line.get("unit", "card_hour"), least, text_en, text_zh))
    sheet.step("in_kind", quantity, line.get("unit", "card_hour"), text_en, text_zh)
    return 0
