"""The rating: a pure function of method, facility, period, readings, claims and factors.

Nothing is filled in. An item without evidence is unrated: it earns no points and takes none away
from the others; the points that are still open show as `score_possible`. Bands look at the points
earned, so hiding a poor figure can never lift a band, and better or further evidence can never
lower it. See docs/decisions/0007-green-rating-from-evidence.md.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from providers.facts import GreenMethod, MethodItem
from providers.facts.green_method import PROVINCE_QUOTA

from .evidence import (
    Claims,
    Facility,
    GreenInputError,
    OfficialStatus,
    Period,
    RatingFactors,
    Reading,
)
from .exact import (
    ONE,
    POINTS,
    RATIO,
    ZERO,
    civil_day,
    clip,
    exact_arithmetic,
    months_later,
    start_of_day,
)
from .indicators import Indicator, facility_kwh, indicators_of
from .meters import Gap, MeterYear, Quarantined, sorted_readings, summarise_sorted
from .renewable import RenewableCount, count_renewable


@dataclass(frozen=True, slots=True)
class ItemScore:
    """One item of the index. share 0..1 of its weight earned; None = unrated, with the code why.

    unrated_code: no_evidence | quota_unknown | no_documented_lower_end | None
    """

    id: str
    value: Decimal | None
    zero_at: Decimal | None
    full_at: Decimal
    weight: Decimal
    share: Decimal | None
    points: Decimal | None
    unrated_code: str | None


@dataclass(frozen=True, slots=True)
class Raise:
    """Something that would raise the rating: `points` it could add, at most."""

    item: str
    points: Decimal
    text_en: str
    text_zh: str


@dataclass(frozen=True)
class Rating:
    """The result, with everything it was computed from (`inputs`) for the bundle.

    green_tier     4 (best) .. 1; None = unrated, never zero
    score          points earned of 100; None when unrated
    score_possible score if all unrated items earned everything
    completeness   share 0..1 of the weights that have evidence
    score_tier, pue_tier   the two bands; green_tier is the lower
    expires_at     first moment at which the rating no longer holds; None when unrated
    """

    method_version: str
    factors_version: str
    facility_id: str
    period: Period
    green_tier: int | None
    score: Decimal | None
    score_possible: Decimal
    completeness: Decimal
    score_tier: int | None
    pue_tier: int | None
    items: tuple[ItemScore, ...]
    indicators: tuple[Indicator, ...]
    renewable: RenewableCount
    paired_hours: int
    coverage: Decimal
    gaps: tuple[Gap, ...]
    quarantined: tuple[Quarantined, ...]
    official_statuses: tuple[OfficialStatus, ...]
    expires_at: datetime | None
    inputs: tuple[GreenMethod, Facility, tuple[Reading, ...], Claims, RatingFactors]

    @property
    def is_rated(self) -> bool:
        return self.green_tier is not None

    @property
    def unrated_items(self) -> tuple[str, ...]:
        """Ids of the items without evidence."""
        return tuple(item.id for item in self.items if item.share is None)

    def value(self, indicator_id: str) -> Decimal | None:
        """Value of an indicator (pue, renewable, wue, cue, hourly_cfe ...), None = unrated."""
        return next(i.value for i in self.indicators if i.id == indicator_id)

    def holds_at(self, at: datetime) -> bool:
        """Whether the rating is a rating and has not expired at `at`."""
        return self.is_rated and self.expires_at is not None and at < self.expires_at

    @property
    def raises(self) -> tuple[Raise, ...]:
        """What would raise it, the largest possible gain first."""
        from .advice import raises_of

        return raises_of(self)

    @property
    def reasons(self) -> tuple[tuple[str, str], ...]:
        """Why it is what it is: (English, Chinese) sentences."""
        from .advice import reasons_of

        return reasons_of(self)

    @property
    def input_sha256(self) -> str:
        from .bundle import input_sha256

        return input_sha256(self)

    @property
    def output_sha256(self) -> str:
        from .bundle import output_sha256

        return output_sha256(self)


def rate(
    method: GreenMethod,
    facility: Facility,
    period: Period,
    readings: Iterable[Reading],
    claims: Claims,
    factors: RatingFactors,
) -> Rating:
    """Rate a facility over a period of `method.period_months` civil months (Asia/Shanghai).

    Raises GreenInputError when the period has another length or an input is malformed.
    """
    expected = months_later(civil_day(period.starts_at), method.period_months)
    if period.starts_at != start_of_day(civil_day(period.starts_at)) or (
        period.ends_at != start_of_day(expected)
    ):
        raise GreenInputError(
            "period",
            f"must be {method.period_months} civil months, midnight to midnight in Shanghai",
            f"须为北京时间零点起的 {method.period_months} 个自然月",
        )
    ordered = tuple(sorted_readings(readings))
    with exact_arithmetic():
        year = summarise_sorted(ordered, period)
        count = count_renewable(
            claims,
            year,
            facility_kwh(year),
            vintage_months_before=method.vintage_months_before,
        )
        indicators = indicators_of(facility, year, factors, count.total_kwh, method.coverage_min)
        values = {indicator.id: indicator.value for indicator in indicators}
        items = tuple(score_item(item, values[item.id], factors) for item in method.items)
        return _put_together(
            method, facility, period, ordered, claims, factors, year, count, indicators, items
        )


def _put_together(
    method: GreenMethod,
    facility: Facility,
    period: Period,
    readings: tuple[Reading, ...],
    claims: Claims,
    factors: RatingFactors,
    year: MeterYear,
    count: RenewableCount,
    indicators: tuple[Indicator, ...],
    items: tuple[ItemScore, ...],
) -> Rating:
    earned = sum((item.points for item in items if item.points is not None), ZERO)
    in_play = sum((item.weight for item in items if item.share is not None), ZERO)
    needed = {item.id for item in method.items if item.required}
    rated = all(item.share is not None for item in items if item.id in needed)
    score_tier = pue_tier = None
    if rated:
        value = next(item.value for item in items if item.id == "pue")
        assert value is not None
        score_tier = score_band(method, earned)
        pue_tier = pue_band(method, value)
    return Rating(
        method_version=method.version,
        factors_version=factors.version,
        facility_id=facility.id,
        period=period,
        green_tier=min(score_tier, pue_tier) if score_tier and pue_tier else None,
        score=earned.quantize(POINTS) if rated else None,
        score_possible=(earned + 100 - in_play).quantize(POINTS),
        completeness=(in_play / 100).quantize(RATIO),
        score_tier=score_tier,
        pue_tier=pue_tier,
        items=items,
        indicators=indicators,
        renewable=count,
        paired_hours=year.paired_hours,
        coverage=year.coverage,
        gaps=year.gaps,
        quarantined=year.quarantined,
        official_statuses=tuple(
            sorted(claims.official_statuses, key=lambda s: (s.kind, s.certificate_number, s.level))
        ),
        expires_at=expiry(method, period, claims) if rated else None,
        inputs=(method, facility, readings, claims, factors),
    )


def score_item(item: MethodItem, value: Decimal | None, factors: RatingFactors) -> ItemScore:
    """Where `value` lies between the ends of the item, clipped; unrated keeps its reason."""
    zero_at, code = item.zero_at, None
    if zero_at == PROVINCE_QUOTA:
        zero_at = factors.renewable_quota_share
        code = "quota_unknown" if zero_at is None else None
    if value is None:
        code = "no_evidence"
    share: Decimal | None = None
    end = zero_at if isinstance(zero_at, Decimal) else None
    if value is not None and code is None:
        if end is None:  # no documented lower end, smaller is better
            share = ONE if value <= item.full_at else None
            code = None if share is not None else "no_documented_lower_end"
        elif end == item.full_at:
            share = ONE if value >= item.full_at else ZERO
        else:
            share = clip((value - end) / (item.full_at - end)).quantize(RATIO)
    return ItemScore(
        id=item.id,
        value=value,
        zero_at=end,
        full_at=item.full_at,
        weight=item.weight,
        share=share,
        points=None if share is None else (share * item.weight).quantize(POINTS),
        unrated_code=code,
    )


def score_band(method: GreenMethod, score: Decimal) -> int:
    """The tier whose least score `score` reaches."""
    return next(tier for tier, least in method.score_bands if score >= least)


def pue_band(method: GreenMethod, value: Decimal) -> int:
    """The tier whose highest PUE `value` does not exceed."""
    return next(tier for tier, most in method.pue_bands if most is None or value <= most)


def expiry(method: GreenMethod, period: Period, claims: Claims) -> datetime:
    """Earliest of: `valid_months_after_period` after the period, the end of an official status that
    outlived the period, the lapse of a certificate that is still held.
    """
    last_day = civil_day(period.ends_at)
    days = [months_later(last_day, method.valid_months_after_period)]
    days += [
        status.valid_until
        for status in claims.official_statuses
        if status.valid_until is not None and status.valid_until > last_day
    ]
    days += [
        certificate.lapses_on
        for certificate in claims.certificates
        if certificate.state == "held"
        and certificate.lapses_on is not None
        and certificate.lapses_on > last_day
    ]
    return start_of_day(min(days))
