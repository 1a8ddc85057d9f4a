"""Gates: a measured fact compared with a bound; inclusive or not is stated in the terms."""

from collections.abc import Mapping, Sequence
from typing import Any

from vouchers.rules.facts import CATALOGUE
from vouchers.rules.when import compare
from vouchers.rules.worksheet import Worksheet


def gates_hold(
    gates: Sequence[Mapping[str, Any]] | None, sheet: Worksheet, *, at: str = "/gates"
) -> bool | None:
    """True when all hold, False when one fails, None when one cannot be told."""
    if gates is None:
        sheet.reason(
            "unknown",
            "parameter_unknown",
            "the source does not state the gate",
            "来源未载明门槛",
            at=at,
        )
        return None
    answers: list[bool | None] = []
    for index, gate in enumerate(gates):
        where = f"{at}/{index}"
        if gate["value"] is None:
            sheet.reason(
                "unknown",
                "parameter_unknown",
                f"the bound of {gate['metric']} is not stated",
                f"来源未载明 {gate['metric']} 的界限",
                at=where,
            )
            answers.append(None)
            continue
        value = sheet.fact(gate["metric"], at=where)
        if value is None:
            answers.append(None)
            continue
        known = CATALOGUE[gate["metric"]]
        answers.append(
            sheet.judge(
                compare(value, gate["op"], gate["value"]),
                "gate",
                f"{known.text_en} is {value}, needed {gate['op']} {gate['value']} [{known.unit}]",
                f"{known.text_zh}为 {value}，要求 {gate['op']} {gate['value']}（{known.unit}）",
                at=where,
                fact=gate["metric"],
            )
        )
    if False in answers:
        return False
    return None if None in answers else True
