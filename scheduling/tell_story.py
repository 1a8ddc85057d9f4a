"""The matcher's explanation in words a reader knows, in both tongues.

The matcher speaks of pool keys and hours of the horizon; here they become facilities and Shanghai
time. Nothing is computed that the explanation does not hold.
"""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from ledger.money import yuan_text
from scheduling.matching import Explanation

HOUR = timedelta(hours=1)
SHANGHAI = ZoneInfo("Asia/Shanghai")

BOUND: dict[str, tuple[str, str]] = {
    "capacity": ("the better hours are held by others", "更优的时段已被其他作业占用"),
    "price": ("the price limit", "价格上限"),
    "rating": ("the least green rating asked for", "所要求的最低绿色评级"),
    "region": ("the regions asked for", "所限定的区域"),
    "kind": ("the accelerators asked for", "所限定的加速器型号"),
    "deadline": ("the deadline", "截止时间"),
}
FIELDS: dict[str, tuple[str, str]] = {
    "deadline_hour": ("the deadline", "截止时间"),
    "max_price_fen_per_unit_hour": ("the price limit", "价格上限"),
    "min_green_tier": ("the least green tier", "最低绿色档位"),
    "max_pue": ("the highest PUE", "PUE 上限"),
    "regions": ("the regions", "区域"),
    "kinds": ("the accelerators", "加速器型号"),
    "labels": ("the residency or latency marks", "驻留/时延要求"),
    "units": ("the units", "单元数"),
}


def tell_story(
    explanation: Explanation, pools: Mapping[str, Mapping[str, Any]], starts_at: datetime
) -> dict[str, Any]:
    """JSON with the explanation's figures, names beside every pool, and sentences.

    `pools` is code and facility by pool key (see archive_plan.pool_notes).
    """
    story = asdict(explanation)
    chosen = story.pop("chosen")
    for other in story["rejected"]:
        named = pools[other["pool_id"]]
        other["pool_code"], other["facility"] = named["code"], named["facility"]
        other["starts_at"] = (starts_at + other["segments"][0][0] * HOUR).isoformat()
    en, zh = BOUND.get(explanation.bound_by, (explanation.bound_by, explanation.bound_by))
    if chosen is None:
        story["bound_text_en"], story["bound_text_zh"] = (
            f"Kept out by: {en}.",
            f"未能安排的原因：{zh}。",
        )
    else:
        named = pools[chosen["pool_id"]]
        story["pue_basis"], story["carbon_basis"] = named["pue_basis"], named["carbon_basis"]
        story["pool_code"], story["facility"] = named["code"], named["facility"]
        story["bound_text_en"], story["bound_text_zh"] = (
            ("No rule kept it from a better choice.", "没有任何约束妨碍更优选择。")
            if explanation.bound_by == "none"
            else (f"What kept it from a better choice: {en}.", f"妨碍更优选择的因素：{zh}。")
        )
        story["text_en"], story["text_zh"] = _chosen(chosen, named, starts_at)
    if story["would_change"]:
        story["would_change"] = _change(story["would_change"], pools, starts_at)
    return story


def _chosen(
    chosen: Mapping[str, Any], named: Mapping[str, Any], starts_at: datetime
) -> tuple[str, str]:
    first, last = chosen["segments"][0][0], chosen["segments"][-1][1]
    begin, end = clock(starts_at + first * HOUR), clock(starts_at + last * HOUR)
    price, part = yuan_text(chosen["price_fen"]), yuan_text(chosen["voucher_fen"])
    own = yuan_text(chosen["price_fen"] - chosen["voucher_fen"])
    kg = chosen["kgco2"]
    breaks = len(chosen["segments"]) - 1
    en = (
        f"Runs at {named['facility']} ({named['code']}) from {begin} to {end}"
        + (f" with {breaks} pauses" if breaks else "")
        + f": ¥{price}, of which the voucher pays ¥{part} and you ¥{own};"
        f" {chosen['kwh']:,.1f} kWh, {'unknown' if kg is None else f'{kg:,.1f}'} kg CO₂."
    )
    zh = (
        f"在{named['facility']}（{named['code']}）运行，{begin} 至 {end}"
        + (f"，中途暂停 {breaks} 次" if breaks else "")
        + f"：共 ¥{price}，其中算力券 ¥{part}、自付 ¥{own}；"
        f"{chosen['kwh']:,.1f} 千瓦时，{'未知' if kg is None else f'{kg:,.1f}'} 千克二氧化碳。"
    )
    return en, zh


def _change(
    change: Mapping[str, str], pools: Mapping[str, Mapping[str, Any]], starts_at: datetime
) -> dict[str, str]:
    told = dict(change)
    if "from" not in change:  # what would have been the next better choice, were a rule not there
        en, zh = BOUND.get(change["field"], (change["field"], change["field"]))
        key, _, hours = change["to"].partition(" ")
        where = pools.get(key)
        gain = yuan_text(int(Decimal(change["gain_fen"])))
        if where is not None:
            begin = clock(starts_at + int(hours.partition("-")[0]) * HOUR)
            told["to"] = f"{where['facility']} {begin}"
            told["pool_code"], told["facility"] = where["code"], where["facility"]
            free = change["field"] == "capacity"
            en = "Were the better hours free" if free else f"Without {en}"
            zh = "若更优时段空闲" if free else f"若不限于{zh}"
            told["text_en"] = f"{en}, it would run at {told['to']}, worth ¥{gain} more."
            told["text_zh"] = f"{zh}，可在{told['to']}运行，价值多 ¥{gain}。"
        return told
    en, zh = FIELDS.get(change["field"], (change["field"], change["field"]))
    old, new = (_figure(change["field"], change[end], starts_at) for end in ("from", "to"))
    where = pools.get(change.get("pool_id", ""))
    at_en = f" at {where['facility']} ({where['code']})" if where else ""
    at_zh = f"在{where['facility']}（{where['code']}）" if where else ""
    if where is not None:
        told["pool_code"], told["facility"] = where["code"], where["facility"]
    told["from_text"], told["to_text"] = old, new
    told["text_en"] = f"With {en} {new} instead of {old} it could be placed{at_en}."
    told["text_zh"] = f"若{zh}由 {old} 改为 {new}，即可{at_zh}安排。"
    return told


def _figure(field: str, value: str, starts_at: datetime) -> str:
    if field == "deadline_hour" and value.lstrip("-").isdigit():
        return clock(starts_at + int(value) * HOUR)
    if field == "max_price_fen_per_unit_hour" and value.isdigit():
        return f"¥{yuan_text(int(value))}"
    return "–" if field == "min_green_tier" and value == "0" else value


def clock(at: datetime) -> str:
    """An instant in Shanghai, to the hour and minute."""
    return f"{at.astimezone(SHANGHAI):%m-%d %H:%M}"
