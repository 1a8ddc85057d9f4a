"""Gates: the plain conditions that programmes and workloads put on a facility."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from audit.decisions import Decision, Reason

from .evidence import OfficialStatus
from .exact import civil_day
from .rating import Rating

# Levels from lowest to highest. Grades and numbered levels: 1 is best.
_ORDER = {
    "green_low_carbon_level": ("A", "2A", "3A", "4A", "5A"),
    "gb_t_44989_2024": ("3", "2", "1"),
    "gb_40879_2021": ("3", "2", "1"),
}


@dataclass(frozen=True, slots=True)
class OfficialRequirement:
    """An official status that must be held: `min_level` or better; None = any level or year."""

    kind: str
    min_level: str | None = None


@dataclass(frozen=True, slots=True)
class Gate:
    """Conditions; every one that is not None must hold. `version` names the terms applied.

    The index conditions (tier, PUE, shares) ask for a rating that holds: unrated never meets them.
    Official requirements look at the copied certificate alone.
    """

    version: str
    min_tier: int | None = None
    max_pue: Decimal | None = None
    min_renewable_share: Decimal | None = None
    min_hourly_cfe: Decimal | None = None
    official: tuple[OfficialRequirement, ...] = ()


def meets(rating: Rating | None, gate: Gate, *, at: datetime) -> Decision:
    """Whether a facility with `rating` (None = never rated) meets `gate` at `at`, with reasons."""
    reasons: list[Reason] = []
    asks_index = any(
        bound is not None
        for bound in (gate.min_tier, gate.max_pue, gate.min_renewable_share, gate.min_hourly_cfe)
    )
    holds = rating is not None and rating.holds_at(at)
    if asks_index and not holds:
        reasons.append(_no_rating(rating))
    if rating is not None and holds:
        reasons += _index_reasons(rating, gate)
    statuses = rating.official_statuses if rating else ()
    reasons += [_official(requirement, statuses, at) for requirement in gate.official]
    return Decision(
        allowed=all(reason.satisfied for reason in reasons),
        reasons=tuple(reasons),
        terms_version=gate.version,
    )


def _no_rating(rating: Rating | None) -> Reason:
    if rating is not None and rating.is_rated:
        return Reason("rating_expired", "The green rating has expired.", "绿色评级已过期。")
    return Reason(
        "facility_unrated",
        "The facility is unrated; an unrated facility meets no green condition.",
        "该设施未评级；未评级设施不满足任何绿色条件。",
    )


def _index_reasons(rating: Rating, gate: Gate) -> list[Reason]:
    reasons = []
    if gate.min_tier is not None:
        tier = rating.green_tier
        reasons.append(
            Reason(
                "green_tier",
                f"Green tier {tier}; at least {gate.min_tier} is asked.",
                f"绿色档位 {tier}；要求不低于 {gate.min_tier}。",
                satisfied=tier is not None and tier >= gate.min_tier,
            )
        )
    if gate.max_pue is not None:
        value = rating.value("pue")
        reasons.append(
            Reason(
                "max_pue",
                f"PUE {value}; at most {gate.max_pue} is asked.",
                f"PUE {value}；要求不高于 {gate.max_pue}。",
                satisfied=value is not None and value <= gate.max_pue,
            )
        )
    for code, least, indicator, en, zh in (
        (
            "renewable_share",
            gate.min_renewable_share,
            "renewable",
            "Renewable share",
            "可再生能源利用率",
        ),
        (
            "hourly_cfe",
            gate.min_hourly_cfe,
            "hourly_cfe",
            "Hourly carbon-free share",
            "逐时零碳电力占比",
        ),
    ):
        if least is None:
            continue
        value = rating.value(indicator)
        shown = "unrated" if value is None else str(value)
        shown_zh = "未评" if value is None else str(value)
        reasons.append(
            Reason(
                code,
                f"{en} {shown}; at least {least} is asked.",
                f"{zh} {shown_zh}；要求不低于 {least}。",
                satisfied=value is not None and value >= least,
            )
        )
    return reasons


def _official(
    requirement: OfficialRequirement, statuses: tuple[OfficialStatus, ...], at: datetime
) -> Reason:
    day = civil_day(at)
    held = [
        status
        for status in statuses
        if status.kind == requirement.kind
        and (status.valid_from is None or status.valid_from <= day)
        and (status.valid_until is None or day < status.valid_until)
        and _reaches(requirement, status.level)
    ]
    asked = requirement.kind + (f" {requirement.min_level}" if requirement.min_level else "")
    if held:
        best = sorted(held, key=lambda status: status.certificate_number)[0]
        en = f"Holds {best.kind} {best.level}, certificate {best.certificate_number}."
        zh = f"持有 {best.kind} {best.level}，证书编号 {best.certificate_number}。"
    else:
        en = f"No valid official status {asked} or better is on record."
        zh = f"没有有效的官方评定 {asked} 或更高等级。"
    return Reason("official_status", en, zh, satisfied=bool(held), clause=requirement.kind)


def _reaches(requirement: OfficialRequirement, level: str) -> bool:
    if requirement.min_level is None:
        return True
    order = _ORDER.get(requirement.kind)
    if order is None or level not in order or requirement.min_level not in order:
        return level == requirement.min_level
    return order.index(level) >= order.index(requirement.min_level)
