"""Tiers by amount: marginal (each slice at its own rate) or whole (one rate for everything)."""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from vouchers.rules.exact import floor_to, fraction_of, percent_text
from vouchers.rules.rate import line_cap
from vouchers.rules.worksheet import Worksheet


def tier_problems(tiers: Sequence[Mapping[str, Any]]) -> list[tuple[int, str]]:
    """(index, complaint) where tiers are out of order, overlap, leave a gap, or end too early."""
    found: list[tuple[int, str]] = []
    for index, tier in enumerate(tiers):
        top = tier.get("up_to_fen")
        if top is not None and top <= tier["from_fen"]:
            found.append((index, "empty"))
        if index + 1 < len(tiers):
            following = tiers[index + 1]["from_fen"]
            if top is None or following < top:
                found.append((index + 1, "overlap"))
            elif following > top:
                found.append((index + 1, "gap"))
    return found


def marginal(basis_fen: int, tiers: Sequence[tuple[int, int | None, Fraction]]) -> Fraction:
    """Sum over tiers of rate × the slice of the basis inside it (exact, before rounding)."""
    total = Fraction(0)
    for low, high, rate in tiers:
        inside = min(basis_fen, basis_fen if high is None else high) - low
        total += rate * max(inside, 0)
    return total


def whole_tier(
    basis_fen: int, tiers: Sequence[tuple[int, int | None, Fraction]], edge_belongs: str
) -> int | None:
    """Index of the one tier the whole basis belongs to, or None when it is below the first."""
    for index, (low, high, _) in enumerate(tiers):
        if edge_belongs == "above":
            inside = low <= basis_fen and (high is None or basis_fen < high)
        else:
            first = index == 0 and basis_fen == low
            inside = (low < basis_fen or first) and (high is None or basis_fen <= high)
        if inside:
            return index
    return None


def apply_tiers(line: Mapping[str, Any], basis_fen: int, sheet: Worksheet) -> int | None:
    """Amount of a `tiers_marginal` or `tiers_whole` line, or None when a needed rate is unknown."""
    tiers = [
        (
            tier["from_fen"],
            tier.get("up_to_fen"),
            None if tier["rate"] is None else fraction_of(tier["rate"]),
        )
        for tier in line["tiers"]
    ]
    touched = [tier for tier in tiers if basis_fen >= tier[0]]
    if any(rate is None for _, _, rate in touched):
        sheet.reason(
            "unknown",
            "parameter_unknown",
            "the source does not state a tier's rate",
            "来源未载明分档比例",
            at="/tiers",
        )
        return None
    known = [(low, high, rate) for low, high, rate in tiers if rate is not None]
    quantum = line.get("quantum_fen", 1)
    if line["mechanic"] == "tiers_marginal":
        for low, high, rate in known:
            inside = max(min(basis_fen, basis_fen if high is None else high) - low, 0)
            if inside:
                sheet.money(
                    f"slice_from_{low}",
                    inside,
                    f"slice at {percent_text(rate)}",
                    f"按 {percent_text(rate)} 计的部分",
                )
        amount = floor_to(marginal(basis_fen, known), quantum)
    else:
        index = whole_tier(basis_fen, known, line.get("edge_belongs", "above"))
        if index is None:
            sheet.judge(
                False,
                "below_first_tier",
                "the basis is below the first tier",
                "基数低于最低档",
                at="/tiers",
            )
            return 0
        rate = known[index][2]
        sheet.step(
            "rate",
            rate,
            "fraction",
            f"whole-amount tier {index + 1}: {percent_text(rate)}",
            f"全额分档第 {index + 1} 档：{percent_text(rate)}",
        )
        amount = floor_to(basis_fen * rate, quantum)
    sheet.money("tiers", amount, "sum over tiers, rounded down", "分档合计（向下取整）")
    return line_cap(line, amount, sheet)
