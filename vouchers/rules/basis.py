"""What a benefit is computed from: the amount, less what does not count, cut to the period."""

from collections.abc import Mapping
from typing import Any

from vouchers.rules.answers import FactsError, RuleError
from vouchers.rules.facts import CATALOGUE
from vouchers.rules.pro_rata_time import apply_pro_rata
from vouchers.rules.worksheet import Worksheet


def counts(kind: str, compute: Mapping[str, Any]) -> bool:
    """Whether a kind of service counts under the `compute` clause."""
    eligible = compute.get("eligible")
    return kind not in compute.get("excluded", []) and (eligible is None or kind in eligible)


def eligible_part(amount_fen: int, compute: Mapping[str, Any], sheet: Worksheet) -> int:
    """`amount_fen` less the items that do not count; whole when no items are listed."""
    items = sheet.facts.get("items")
    if items is None:
        return amount_fen
    if sum(item["amount_fen"] for item in items) != amount_fen:
        raise FactsError(
            [
                RuleError(
                    "items_do_not_sum",
                    "items",
                    f"the items do not sum to the basis {amount_fen} fen",
                    f"明细合计与基数 {amount_fen} 分不符",
                )
            ]
        )
    part = sum(item["amount_fen"] for item in items if counts(item["kind"], compute))
    if part != amount_fen:
        sheet.money(
            "not_eligible", amount_fen - part, "services that do not count", "不计入的服务费用"
        )
    return part


def basis_of(line: Mapping[str, Any], compute: Mapping[str, Any], sheet: Worksheet) -> int | None:
    """The basis in fen, every cut kept as a step; None when the fact or the basis is unknown.

    Raises FactsError when listed items do not sum to the basis.
    """
    name = sheet.parameter(line, "basis")
    if name is None:
        return None
    value = sheet.fact(name, at="/basis")
    if value is None:
        return None
    known = CATALOGUE[name]
    sheet.money(name, value, known.text_en, known.text_zh)
    part = eligible_part(int(value), compute, sheet)
    if part != value:
        sheet.money("eligible_basis", part, "what counts", "计入的金额")
    return apply_pro_rata(dict(line), part, sheet) if "pro_rata" in line else part
