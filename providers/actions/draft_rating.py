"""Draft a facility's rating from its stored evidence."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from audit.actions.record import record
from audit.canonical import canonical_json, sha256_hex
from audit.decisions import Actor, Invalid
from providers import green
from providers.facts import load_green_method
from providers.green.exact import civil_day, clip, exact_arithmetic, months_later, start_of_day
from providers.models import (
    CertificateAllocation,
    Facility,
    GreenRating,
    Meter,
    RatingBundle,
)
from providers.policy import require_rater
from providers.rating_inputs import rate_stored


@transaction.atomic
def draft_rating(*, facility: Facility, first_day: date, actor: Actor, at: datetime) -> GreenRating:
    """Rate `facility` over the method's months from `first_day` (civil day, Asia/Shanghai).

    The draft is a preview: what the rating would be, why, and what would raise it. Without
    evidence it is unrated (`green_tier` None). Inputs and result are kept byte for byte in its
    bundle. Raises NotPermitted, NotFound, Invalid when the period has not ended.
    """
    require_rater(actor, facility)
    method = load_green_method()
    period = green.Period(
        start_of_day(first_day), start_of_day(months_later(first_day, method.period_months))
    )
    if period.ends_at > at:
        raise Invalid("first_day", "the period has not ended", "评价周期尚未结束")
    rating = rate_stored(facility, period, on=civil_day(at))
    given = canonical_json(green.canonical_input(rating))
    result = canonical_json(green.canonical_output(rating))
    row = GreenRating.objects.create(
        facility=facility,
        method_version=rating.method_version,
        factors_version=rating.factors_version,
        period=DateTimeTZRange(period.starts_at, period.ends_at),
        green_tier=rating.green_tier,
        score=rating.score,
        score_possible=rating.score_possible,
        completeness=rating.completeness,
        pue=rating.value("pue"),
        green_share=_direct_green_share(rating),
        indicators=_indicators(rating),
        findings=_findings(rating),
        input_digest=sha256_hex(given),
        output_digest=sha256_hex(result),
        expires_at=rating.expires_at,
        computed_at=at,
        computed_by_id=actor.person_id,
        sample=_rests_on_samples(facility, period),
    )
    RatingBundle.objects.create(rating=row, input=given, output=result)
    record(
        "rating.drafted",
        subject=row,
        actor=actor,
        at=at,
        data={
            "facility_id": facility.pk,
            "method_version": rating.method_version,
            "green_tier": rating.green_tier,
            "score": rating.score,
            "input_sha256": row.input_digest,
            "output_sha256": row.output_digest,
        },
    )
    return row


def _direct_green_share(rating: green.Rating) -> Decimal | None:
    """On-site and direct-line kWh that count, over facility kWh; None when nothing is claimed."""
    total = green.summarise(rating.inputs[2], rating.period).sum_kwh(green.MeterKind.FACILITY_TOTAL)
    if rating.renewable.total_kwh is None or total <= 0:
        return None
    with exact_arithmetic():
        direct = rating.renewable.onsite_kwh + rating.renewable.direct_line_kwh
        return clip(direct / total).quantize(Decimal("0.000001"))


def _indicators(rating: green.Rating) -> list[dict[str, Any]]:
    return [
        {
            "id": each.id,
            "value": None if each.value is None else format(each.value, "f"),
            "unit": each.unit,
            "standard": each.standard,
            "missing": each.missing,
        }
        for each in rating.indicators
    ]


def _findings(rating: green.Rating) -> dict[str, Any]:
    return {
        "reasons": [{"text_en": en, "text_zh": zh} for en, zh in rating.reasons],
        "raises": [
            {
                "item": each.item,
                "points": format(each.points, "f"),
                "text_en": each.text_en,
                "text_zh": each.text_zh,
            }
            for each in rating.raises
        ],
        "unrated_items": list(rating.unrated_items),
        "coverage": format(rating.coverage, "f"),
        "gaps": len(rating.gaps),
        "quarantined": len(rating.quarantined),
        "renewable_kwh": {
            "grid": format(rating.renewable.grid_kwh, "f"),
            "onsite": format(rating.renewable.onsite_kwh, "f"),
            "direct_line": format(rating.renewable.direct_line_kwh, "f"),
        },
    }


def _rests_on_samples(facility: Facility, period: green.Period) -> bool:
    return (
        facility.sample
        or Meter.objects.filter(facility=facility, sample=True).exists()
        or CertificateAllocation.objects.filter(
            facility=facility,
            period=(period.starts_at, period.ends_at),
            certificate__sample=True,
        ).exists()
    )
