"""One benefit line: does it apply, and what does its mechanic give?"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from vouchers.rules.basis import basis_of
from vouchers.rules.face_value import apply_face_value
from vouchers.rules.facts import CATALOGUE
from vouchers.rules.gates import gates_hold
from vouchers.rules.in_kind import apply_in_kind
from vouchers.rules.interest_subsidy import apply_interest_subsidy
from vouchers.rules.lump_sum import apply_lump_sum
from vouchers.rules.matching_grant import apply_matching_grant
from vouchers.rules.per_kwh import apply_per_kwh
from vouchers.rules.ranked_pool import apply_ranked_pool
from vouchers.rules.rate import apply_rate
from vouchers.rules.threshold_rate import apply_threshold_rate
from vouchers.rules.tiers import apply_tiers
from vouchers.rules.when import when_holds
from vouchers.rules.worksheet import Worksheet

ON_BASIS: Mapping[str, Callable[[Mapping[str, Any], int, Worksheet], int | None]] = {
    "rate": apply_rate,
    "tiers_marginal": apply_tiers,
    "tiers_whole": apply_tiers,
    "threshold_rate": apply_threshold_rate,
    "matching_grant": apply_matching_grant,
    "interest_subsidy": apply_interest_subsidy,
    "face_value": apply_face_value,
}
WITHOUT_BASIS: Mapping[str, Callable[[Mapping[str, Any], Worksheet], int | None]] = {
    "lump_sum": apply_lump_sum,
    "in_kind": apply_in_kind,
    "per_kwh": apply_per_kwh,
    "ranked_pool": apply_ranked_pool,
}


@dataclass(frozen=True)
class LineAnswer:
    """applies: "met", "unmet", "unknown" (a `when` fact is missing) or "unclaimed" (its basis is
    not given while another line's is). amount_fen: what the line gives (or would give), None when
    a parameter or fact is missing. refused: a gate or threshold of the line itself fails."""

    line: Mapping[str, Any]
    applies: str
    hinges_on: tuple[str, ...]
    amount_fen: int | None
    refused: bool
    sheet: Worksheet


def _amount(line: Mapping[str, Any], compute: Mapping[str, Any], sheet: Worksheet) -> int | None:
    held = gates_hold(line["gates"], sheet) if "gates" in line else True
    mechanic = line["mechanic"]
    if mechanic == "case_by_case":
        sheet.reason(
            "unknown",
            "case_by_case",
            "decided case by case; the source states no figure",
            "一事一议，来源未载明数额",
        )
        return None
    if mechanic in ON_BASIS:
        basis = basis_of(line, compute, sheet)
        amount = None if basis is None else ON_BASIS[mechanic](line, basis, sheet)
        if basis is None and mechanic == "rate":
            sheet.rate(line, "rate")
    else:
        amount = WITHOUT_BASIS[mechanic](line, sheet)
    return None if held is None else amount


def answer_line(
    line: Mapping[str, Any], compute: Mapping[str, Any], sheet: Worksheet
) -> LineAnswer:
    """Apply one line to the facts of `sheet`, whose pointer is that of the line."""
    holds, hinges_on = when_holds(line.get("when", {}), sheet.facts)
    applies: str = holds
    basis = line.get("basis")
    if applies != "unmet" and basis is not None and basis not in sheet.facts:
        applies, hinges_on = "unclaimed", (basis,)
    if applies == "unmet":
        return LineAnswer(line, applies, hinges_on, 0, False, sheet)
    amount = _amount(line, compute, sheet)
    refused = any(reason.status == "unmet" for reason in sheet.reasons)
    return LineAnswer(line, applies, hinges_on, amount, refused, sheet)


def words_of(line: Mapping[str, Any]) -> tuple[str, str]:
    """What a line is called for people (English, Chinese)."""
    chinese = line.get("text_zh") or line["id"]
    return line.get("text_en") or chinese, chinese


def names_of(facts: tuple[str, ...]) -> tuple[str, str]:
    """Fact names for people (English, Chinese)."""
    return (
        ", ".join(f"{name} ({CATALOGUE[name].text_en})" for name in facts),
        "、".join(f"{name}（{CATALOGUE[name].text_zh}）" for name in facts),
    )
