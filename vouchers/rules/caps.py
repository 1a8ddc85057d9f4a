"""Ceilings: per contract, application, voucher, natural year, rolling window, lifetime.

Each fen in use counts once: as applied until it is redeemed, as redeemed after that. So "applied
plus redeemed" (Beijing counts both within a natural year) needs no second rule.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from vouchers.rules.answers import Usage, UsageEntry
from vouchers.rules.civil_day import civil_day, months_before
from vouchers.rules.exact import yuan_text_en, yuan_text_zh
from vouchers.rules.worksheet import Worksheet

PER_EN = {
    "contract": "per contract",
    "application": "per application",
    "voucher": "per voucher",
    "natural_year": "per natural year",
    "rolling_months": "per rolling window",
    "lifetime": "in total",
    None: "(period not stated)",
}
PER_ZH = {
    "contract": "每份合同",
    "application": "每次申领",
    "voucher": "每张券",
    "natural_year": "每个自然年",
    "rolling_months": "滚动期内",
    "lifetime": "累计",
    None: "（周期未载明）",
}


def _counts(
    entry: UsageEntry, cap: Mapping[str, Any], today: date, contract_ref: str | None
) -> bool:
    if entry.stage not in cap.get("counts", ("applied", "redeemed")):
        return False
    match cap["per"]:
        case "application" | "voucher":
            return False
        case "contract":
            return contract_ref is not None and entry.contract_ref == contract_ref
        case "natural_year":
            return entry.on.year == today.year
        case "rolling_months":
            return months_before(today, cap["months"]) < entry.on <= today
        case _:  # lifetime, and a period the source does not state: everything counts
            return True


def used_against(
    cap: Mapping[str, Any], used: Usage, *, at: datetime, contract_ref: str | None
) -> int:
    """Fen already counted against `cap` at `at`."""
    today = civil_day(at)
    return sum(
        entry.amount_fen for entry in used.entries if _counts(entry, cap, today, contract_ref)
    )


def room_under(
    caps: Sequence[Mapping[str, Any]], used: Usage, *, at: datetime, contract_ref: str | None
) -> int | None:
    """The smallest room in fen under all caps whose figure is known; None without any."""
    rooms = [
        max(cap["amount_fen"] - used_against(cap, used, at=at, contract_ref=contract_ref), 0)
        for cap in caps
        if cap["amount_fen"] is not None
    ]
    return min(rooms) if rooms else None


def apply_caps(
    caps: Sequence[Mapping[str, Any]],
    amount_fen: int,
    sheet: Worksheet,
    *,
    used: Usage,
    at: datetime,
) -> int:
    """`amount_fen` under every cap; a cap with an unknown figure or period is a reason."""
    contract_ref = sheet.facts.get("contract_ref")
    capped = amount_fen
    for index, cap in enumerate(caps):
        where = f"/caps/{index}"
        for key in ("amount_fen", "per"):
            if cap[key] is None and (key == "amount_fen" or cap["amount_fen"] is not None):
                sheet.reason(
                    "unknown",
                    "parameter_unknown",
                    "the source does not state "
                    + ("the cap" if key == "amount_fen" else "its period"),
                    "来源未载明" + ("上限" if key == "amount_fen" else "上限的周期"),
                    at=f"{where}/{key}",
                )
        if cap["amount_fen"] is None:
            continue
        before = used_against(cap, used, at=at, contract_ref=contract_ref)
        room = max(cap["amount_fen"] - before, 0)
        per_en, per_zh = PER_EN[cap["per"]], PER_ZH[cap["per"]]
        most_en, most_zh = yuan_text_en(cap["amount_fen"]), yuan_text_zh(cap["amount_fen"])
        if before:
            sheet.money(
                f"used_{cap['id']}",
                before,
                f"already used of {most_en} {per_en}",
                f"{per_zh}上限 {most_zh} 中已用",
            )
        capped = min(capped, room)
        sheet.money(
            f"after_cap_{cap['id']}",
            capped,
            f"at most {most_en} {per_en}",
            f"{per_zh}不超过 {most_zh}",
        )
        sheet.judge(
            room > 0 or amount_fen == 0,
            "cap_room",
            f"room {yuan_text_en(room)} of {most_en} {per_en}",
            f"{per_zh}上限 {most_zh}，余额 {yuan_text_zh(room)}",
            at=where,
        )
    return capped
