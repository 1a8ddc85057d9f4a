"""What a rating says to its owner: why it is what it is, and what would raise it."""

from decimal import Decimal
from typing import TYPE_CHECKING

from .exact import POINTS
from .meters import QUARANTINE_TEXTS
from .renewable import NOT_COUNTED_TEXTS

if TYPE_CHECKING:
    from .rating import ItemScore, Raise, Rating

_EVIDENCE = {
    "pue": (
        "Meter facility total and IT energy hour by hour for the whole period",
        "按小时计量全部周期的总用电与信息设备用电",
    ),
    "renewable": (
        "Retire green electricity certificates for this facility and period",
        "为本设施本周期注销绿证",
    ),
    "rack_utilization": ("Report installed racks and racks in use", "填报已安装机架数与在用机架数"),
    "it_load": (
        "Report racks in use and nominal rack power beside the IT meter",
        "在信息设备计量之外填报在用机架数和机架额定功率",
    ),
    "demand_response": ("Report adjustable and maximum load", "填报可调节负荷与最大负荷"),
    "wue": ("Meter the water drawn", "计量取水量"),
    "hourly_cfe": (
        "Meter own generation or a direct line hour by hour",
        "按小时计量自发电或绿电直连电量",
    ),
}


def _plain(value: Decimal) -> str:
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def raises_of(rating: "Rating") -> tuple["Raise", ...]:
    """What would raise the rating, the largest possible gain first, then in method order."""
    from .rating import Raise

    method = rating.inputs[0]
    found = []
    for item in rating.items:
        names = method.item(item.id)
        gain = item.weight - (item.points or 0)
        if gain <= 0:
            continue
        if item.share is None:
            en, zh = _for_unrated(item)
        else:
            assert item.value is not None
            en = f"{names.name_en} from {_plain(item.value)} to {_plain(item.full_at)}"
            zh = f"{names.name_zh}由 {_plain(item.value)} 改进到 {_plain(item.full_at)}"
        found.append(
            Raise(
                item.id,
                gain.quantize(POINTS),
                f"{en}: up to {_plain(gain.quantize(POINTS))} points.",
                f"{zh}：最多可得 {_plain(gain.quantize(POINTS))} 分。",
            )
        )
    return tuple(sorted(found, key=lambda r: -r.points))


def _for_unrated(item: "ItemScore") -> tuple[str, str]:
    if item.unrated_code == "quota_unknown":
        return (
            "The renewable quota weight of the province is not known; nothing can be scored yet",
            "所在省份可再生能源消纳责任权重未知，暂无法计分",
        )
    if item.unrated_code == "no_documented_lower_end":
        return (
            f"Reach {_plain(item.full_at)} or better; no scale above it is documented",
            f"达到 {_plain(item.full_at)} 或更优；高于该值没有公开的评分区间",
        )
    return _EVIDENCE[item.id]


def reasons_of(rating: "Rating") -> tuple[tuple[str, str], ...]:
    """(English, Chinese) sentences: bands first, then every item, then what was set aside."""
    method = rating.inputs[0]
    lines: list[tuple[str, str]] = []
    if rating.green_tier is None:
        lines.append(
            (
                "Unrated: there is not enough evidence for PUE. Unrated is not zero.",
                "未评级：PUE 证据不足。未评级不等于零分。",
            )
        )
    else:
        en, zh = method.tier_name(rating.green_tier)
        lines.append(
            (
                f"{en}: the lower of score band {rating.score_tier} ({rating.score} points) and "
                f"PUE band {rating.pue_tier}. Method {rating.method_version}.",
                f"{zh}：取得分档 {rating.score_tier}（{rating.score} 分）与 PUE 档 "
                f"{rating.pue_tier} 中较低者。方法版本 {rating.method_version}。",
            )
        )
    percent = _plain((rating.coverage * 100).quantize(POINTS))
    lines.append(
        (
            f"{rating.paired_hours} of {rating.period.hours} hours are metered ({percent} %).",
            f"{rating.period.hours} 小时中有 {rating.paired_hours} 小时有效计量（{percent}%）。",
        )
    )
    for item in rating.items:
        names = method.item(item.id)
        if item.share is None:
            en, zh = _for_unrated(item)
            lines.append((f"{names.name_en}: unrated. {en}.", f"{names.name_zh}：未评。{zh}。"))
        else:
            assert item.value is not None
            assert item.points is not None
            lines.append(
                (
                    f"{names.name_en}: {_plain(item.value)} earns {_plain(item.points)} of "
                    f"{_plain(item.weight)} points.",
                    f"{names.name_zh}：{_plain(item.value)}，得 {_plain(item.points)} 分"
                    f"（满分 {_plain(item.weight)}）。",
                )
            )
    for code in sorted({entry.code for entry in rating.quarantined}):
        number = sum(entry.code == code for entry in rating.quarantined)
        en, zh = QUARANTINE_TEXTS[code]
        lines.append((f"{number} readings set aside: {en}", f"{number} 条计量被隔离：{zh}"))
    for claim, code in rating.renewable.not_counted:
        en, zh = NOT_COUNTED_TEXTS[code]
        lines.append((f"{claim}: {en}", f"{claim}：{zh}"))
    return tuple(lines)
