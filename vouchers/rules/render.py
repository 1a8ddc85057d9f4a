"""Terms as a sentence for people, in two languages: "合同额的 20%，每家企业每年最高 200 万元"."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vouchers.rules.choice_words import ENTITY_ZH
from vouchers.rules.eligibility import ENTITY_EN
from vouchers.rules.exact import fraction_of, percent_text, yuan_text_en, yuan_text_zh
from vouchers.rules.facts import CATALOGUE
from vouchers.rules.terms import Terms

PER_EN = {
    "contract": "per contract",
    "application": "per application",
    "voucher": "per voucher",
    "natural_year": "per enterprise and year",
    "lifetime": "per enterprise in total",
    None: "(period not stated)",
}
PER_ZH = {
    "contract": "每份合同",
    "application": "每次申领",
    "voucher": "每张券",
    "natural_year": "每家企业每年",
    "lifetime": "每家企业累计",
    None: "每家企业（周期未载明）",
}
UNKNOWN_EN, UNKNOWN_ZH = "(not stated)", "（未载明）"


@dataclass(frozen=True)
class Rendering:
    """text_zh and text_en in one line; `lines`: pairs (Chinese, English), one clause each."""

    text_zh: str
    text_en: str
    lines: tuple[tuple[str, str], ...]


def _money(amount_fen: int | None) -> tuple[str, str]:
    if amount_fen is None:
        return UNKNOWN_ZH, UNKNOWN_EN
    return yuan_text_zh(amount_fen), yuan_text_en(amount_fen)


def _rate(text: str | None) -> tuple[str, str]:
    if text is None:
        return UNKNOWN_ZH, UNKNOWN_EN
    percent = percent_text(fraction_of(text))
    return percent, percent


def _basis(line: Mapping[str, Any]) -> tuple[str, str]:
    name = line.get("basis")
    if name is None:
        return f"基数{UNKNOWN_ZH}", f"the basis {UNKNOWN_EN}"
    return CATALOGUE[name].text_zh, CATALOGUE[name].text_en


def _rate_words(line: Mapping[str, Any]) -> tuple[str, str]:
    (rate_zh, rate_en), (basis_zh, basis_en) = _rate(line.get("rate")), _basis(line)
    if line.get("rate_is_ceiling"):
        return f"{basis_zh}的 {rate_zh} 以内", f"up to {rate_en} of the {basis_en}"
    return f"{basis_zh}的 {rate_zh}", f"{rate_en} of the {basis_en}"


def _tiers_words(line: Mapping[str, Any]) -> tuple[str, str]:
    zh, en = [], []
    for tier in line["tiers"]:
        low, (rate_zh, rate_en) = tier["from_fen"], _rate(tier["rate"])
        high = tier.get("up_to_fen")
        zh.append(f"{yuan_text_zh(low)}至{yuan_text_zh(high) if high else '以上'} {rate_zh}")
        en.append(f"{yuan_text_en(low)} to {yuan_text_en(high) if high else 'above'}: {rate_en}")
    how = (
        ("超额累进", "each slice at its rate")
        if line["mechanic"] == "tiers_marginal"
        else ("全额分档", "the whole amount at one rate")
    )
    basis_zh, basis_en = _basis(line)
    return f"{basis_zh}（{how[0]}）：{'；'.join(zh)}", f"{basis_en} ({how[1]}): {'; '.join(en)}"


def _words(line: Mapping[str, Any]) -> tuple[str, str]:
    match line["mechanic"]:
        case "rate" | "matching_grant":
            return _rate_words(line)
        case "tiers_marginal" | "tiers_whole":
            return _tiers_words(line)
        case "threshold_rate":
            (from_zh, from_en), (zh, en) = _money(line.get("threshold_fen")), _rate_words(line)
            basis_zh, basis_en = _basis(line)
            word = "达到" if line.get("threshold_inclusive", True) else "超过"
            whole = line.get("threshold_on", "whole") == "whole"
            return (
                f"{basis_zh}{word} {from_zh}后，按{'全额' if whole else '超出部分'}奖励{zh}",
                f"once the {basis_en} {'reaches' if word == '达到' else 'exceeds'} {from_en}, "
                f"{en}{'' if whole else ' above it'}",
            )
        case "lump_sum":
            zh, en = _money(line.get("amount_fen"))
            most = line.get("amount_is_ceiling")
            return f"一次性{'最高 ' if most else ' '}{zh}", f"{'at most ' if most else ''}{en} once"
        case "in_kind":
            least = line.get("quantity_is_minimum")
            return (
                f"实物算力{'不少于' if least else ''} {line.get('quantity') or UNKNOWN_ZH} 卡时",
                f"{'at least ' if least else ''}{line.get('quantity') or UNKNOWN_EN} "
                "card-hours in kind",
            )
        case "face_value":
            coins = line.get("denominations_fen") or ()
            return (
                f"面额 {'、'.join(yuan_text_zh(coin) for coin in coins) or UNKNOWN_ZH}",
                f"face values {', '.join(yuan_text_en(coin) for coin in coins) or UNKNOWN_EN}",
            )
        case "interest_subsidy":
            points, share = _rate(line.get("rate_points"))[0], _rate(line.get("interest_share"))[0]
            return (
                f"贷款贴息，不超过 {points} 且不超过利息的 {share}",
                f"loan interest, at most {points} of the yearly rate "
                f"and at most {share} of the interest",
            )
        case "per_kwh":
            price = line.get("fen_per_kwh")
            return (
                f"绿电每千瓦时 {price or UNKNOWN_ZH} 分",
                f"{price or UNKNOWN_EN} fen for each kWh of green electricity",
            )
        case "ranked_pool":
            zh, en = _money(line.get("pool_fen"))
            return (
                f"综合排名前 {line.get('winners') or UNKNOWN_ZH} 名，奖励总额 {zh}",
                f"a pool of {en} for the first {line.get('winners') or UNKNOWN_EN}",
            )
        case _:
            return "一事一议", "decided case by case"


def _line(line: Mapping[str, Any]) -> tuple[str, str]:
    zh, en = _words(line)
    if line.get("text_zh") and (line.get("when") or line.get("gates")):
        zh, en = f"{line['text_zh']}：{zh}", f"{line.get('text_en') or line['text_zh']}: {en}"
    if line.get("cap_fen") is not None:
        zh, en = (
            f"{zh}，最高 {yuan_text_zh(line['cap_fen'])}",
            f"{en}, at most {yuan_text_en(line['cap_fen'])}",
        )
    return zh, en


def _cap(cap: Mapping[str, Any]) -> tuple[str, str]:
    (zh, en), per = _money(cap["amount_fen"]), cap["per"]
    if per == "rolling_months":
        return (
            f"每家企业每 {cap['months']} 个月最高 {zh}",
            f"at most {en} per enterprise in {cap['months']} months",
        )
    return f"{PER_ZH[per]}最高 {zh}", f"at most {en} {PER_EN[per]}"


def render(terms: Terms) -> Rendering:
    """The benefit, its caps and who may apply, clause by clause and as one line each."""
    document, found = terms.document, []
    lines = document["benefit"]["lines"]
    if lines is None:
        found.append((f"补贴标准{UNKNOWN_ZH}", f"the benefit {UNKNOWN_EN}"))
    else:
        found += [_line(line) for line in lines]
        if len(lines) > 1:
            found.append(
                {
                    "max_of": ("以上取最高", "the highest of these"),
                    "sum_of": ("以上合计", "the sum of these"),
                    "first_that_applies": ("按顺序适用第一项", "the first that applies"),
                }[document["benefit"]["combine"]]
            )
    found += [_cap(cap) for cap in document.get("caps", ())]
    for minimum in document.get("minimums", {}).get("spend", ()):
        zh, en = _money(minimum["amount_fen"])
        known = CATALOGUE[minimum["fact"]]
        found.append((f"{known.text_zh}达到 {zh}", f"{known.text_en} at least {en}"))
    if "award_fen" in document.get("minimums", {}):
        least = document["minimums"]["award_fen"]
        found.append((f"最低 {yuan_text_zh(least)}", f"at least {yuan_text_en(least)}"))
    entities = document.get("applicants", {}).get("entity_types")
    if entities:
        found.append(
            (
                f"面向{'、'.join(ENTITY_ZH[one] for one in entities)}",
                f"open to {', '.join(ENTITY_EN[one] for one in entities)}",
            )
        )
    return Rendering(
        "，".join(zh for zh, _ in found), "; ".join(en for _, en in found), tuple(found)
    )
