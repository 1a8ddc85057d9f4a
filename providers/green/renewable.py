"""Which renewable kWh count: retired certificates, once each, and never more than was used."""

from dataclasses import dataclass
from decimal import Decimal

from .evidence import Certificate, Claims, GreenInputError, MeterKind, Period, Settlement
from .exact import QUANTITY, ZERO, civil_day, exact_arithmetic, months_later
from .meters import MeterYear

# Why a claim was not counted, code -> (English, Chinese)
NOT_COUNTED_TEXTS = {
    "not_retired": (
        "Only retired certificates count; this one is held or allocated.",
        "只有已注销（核销）的绿证计入；该证仍在持有或已分配状态。",
    ),
    "duplicate": ("The certificate is claimed twice.", "该绿证重复申报。"),
    "vintage_outside": (
        "The power was made too long before or after the period.",
        "绿证电量生产月份超出允许范围。",
    ),
    "not_whole_certificates": (
        "One certificate is 1000 kWh; the lot is not a whole number of them.",
        "1 个绿证对应 1000 千瓦时，该批次不是整数个。",
    ),
    "not_metered": (
        "The certificate backs own generation or a direct line that no meter shows.",
        "该绿证对应自发自用或直连电量，但没有相应计量。",
    ),
    "beyond_metered": (
        "More is certified than the meters show was used here.",
        "绿证电量超过计量显示的本地使用量，超出部分不计。",
    ),
    "same_claim_as_certificate": (
        "The settlement and its certificate are one claim; the certificate is counted.",
        "结算电量与其绿证属同一申报，仅计绿证。",
    ),
    "needs_retired_certificate": (
        "A settlement alone is no proof; its certificate must be retired here.",
        "仅有结算凭证不足以证明，须注销对应绿证。",
    ),
    "beyond_need": (
        "Surplus beyond the facility's own need does not count.",
        "超过本设施用电量的部分不计。",
    ),
}
_STATES = frozenset({"held", "allocated", "retired"})
_BACKS = {"grid": None, "onsite": MeterKind.ONSITE_GENERATION, "direct_line": MeterKind.DIRECT_LINE}


@dataclass(frozen=True)
class RenewableCount:
    """kWh that count, by origin, and what did not: (claim id, code in NOT_COUNTED_TEXTS).

    total_kwh None = nothing was claimed: unrated, which is not a share of zero.
    """

    grid_kwh: Decimal
    onsite_kwh: Decimal
    direct_line_kwh: Decimal
    total_kwh: Decimal | None
    not_counted: tuple[tuple[str, str], ...]


def count_renewable(
    claims: Claims, year: MeterYear, facility_kwh: Decimal | None, *, vintage_months_before: int
) -> RenewableCount:
    """Count the renewable energy of a period by the rules of ISO/IEC 30134-3 and the 绿证 rules.

    Raises GreenInputError on a state or origin that does not exist.
    """
    with exact_arithmetic():
        not_counted: list[tuple[str, str]] = []
        sums = dict.fromkeys(_BACKS, ZERO)
        counted: set[str] = set()
        seen: set[str] = set()
        for certificate in sorted(claims.certificates, key=certificate_order):
            _check(certificate)
            code = _refusal(certificate, seen, year, vintage_months_before)
            seen.add(certificate.id)
            if code:
                not_counted.append((certificate.id, code))
                continue
            counted.add(certificate.id)
            sums[certificate.backs] += certificate.kwh.quantize(QUANTITY)
        for settlement in sorted(claims.settlements, key=settlement_order):
            bundled = settlement.certificate_id in counted
            code = "same_claim_as_certificate" if bundled else "needs_retired_certificate"
            not_counted.append((settlement.id, code))
        for backs, metered in _metered_here(year).items():
            if sums[backs] > metered:
                not_counted.append((backs, "beyond_metered"))
                sums[backs] = metered
        total = sum(sums.values(), ZERO)
        if facility_kwh is not None and total > facility_kwh:
            not_counted.append(("total", "beyond_need"))
        return RenewableCount(
            grid_kwh=sums["grid"],
            onsite_kwh=sums["onsite"],
            direct_line_kwh=sums["direct_line"],
            total_kwh=total if counted else None,
            not_counted=tuple(not_counted),
        )


def certificate_order(certificate: Certificate) -> tuple[str, ...]:
    """The order certificates take in a bundle and in counting."""
    return (
        certificate.id,
        certificate.state,
        certificate.vintage.isoformat()[:7],
        certificate.backs,
        format(certificate.kwh.normalize(), "f"),
    )


def settlement_order(settlement: Settlement) -> tuple[str, ...]:
    """The order settlements take in a bundle and in counting."""
    return (settlement.id, settlement.certificate_id or "", format(settlement.kwh.normalize(), "f"))


def vintage_window(period: Period, months_before: int) -> tuple[str, str]:
    """First month and end month (half-open), "YYYY-MM", in which counted power was made."""
    first = months_later(civil_day(period.starts_at).replace(day=1), -months_before)
    last_day = civil_day(period.ends_at)
    after = last_day if last_day.day == 1 else months_later(last_day.replace(day=1), 1)
    return first.isoformat()[:7], after.isoformat()[:7]


def _check(certificate: Certificate) -> None:
    for field, value, allowed in (
        ("state", certificate.state, _STATES),
        ("backs", certificate.backs, _BACKS.keys()),
    ):
        if value not in allowed:
            raise GreenInputError(
                f"claims.certificates.{field}",
                f"{value} is none of {', '.join(sorted(allowed))}",
                f"取值 {value} 不存在",
            )


def _refusal(
    certificate: Certificate, seen: set[str], year: MeterYear, vintage_months_before: int
) -> str | None:
    if certificate.id in seen:
        return "duplicate"
    if certificate.state != "retired":
        return "not_retired"
    first, after = vintage_window(year.period, vintage_months_before)
    if not first <= certificate.vintage.isoformat()[:7] < after:
        return "vintage_outside"
    if certificate.kwh <= 0 or certificate.kwh % 1000:
        return "not_whole_certificates"
    kind = _BACKS[certificate.backs]
    if kind is not None and not year.has(kind):
        return "not_metered"
    return None


def _metered_here(year: MeterYear) -> dict[str, Decimal]:
    exported = year.sum_kwh(MeterKind.EXPORT)
    onsite = max(year.sum_kwh(MeterKind.ONSITE_GENERATION) - exported, ZERO)
    return {"onsite": onsite, "direct_line": year.sum_kwh(MeterKind.DIRECT_LINE)}
