"""The canonical form of a rating's input and output, their digests, and the exportable bundle."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from audit.canonical import canonical_json, sha256_hex
from providers.facts import GreenMethod

from .evidence import Claims, Facility, RatingFactors, Reading, utc_text
from .exact import QUANTITY, exact_arithmetic
from .renewable import certificate_order, settlement_order

if TYPE_CHECKING:
    from .rating import Rating

FORMAT = "suanquan-green-bundle/1"


def _number(value: Decimal | int | None) -> str | None:
    """A decimal as the shortest plain text: no exponent, no trailing zeros."""
    if value is None:
        return None
    text = format(Decimal(value), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _day(value: date | None) -> str | None:
    return value.isoformat() if value else None


def _method(method: GreenMethod) -> dict[str, Any]:
    return {
        "version": method.version,
        "period_months": method.period_months,
        "coverage_min": _number(method.coverage_min),
        "valid_months_after_period": method.valid_months_after_period,
        "vintage_months_before": method.vintage_months_before,
        "items": [
            {
                "id": item.id,
                "weight": _number(item.weight),
                "zero_at": (
                    _number(item.zero_at) if isinstance(item.zero_at, Decimal) else item.zero_at
                ),
                "full_at": _number(item.full_at),
                "required": item.required,
            }
            for item in method.items
        ],
        "score_bands": [[tier, _number(least)] for tier, least in method.score_bands],
        "pue_bands": [[tier, _number(most)] for tier, most in method.pue_bands],
    }


def _facility(facility: Facility) -> dict[str, Any]:
    return {
        "id": facility.id,
        "adcode": facility.adcode,
        "design_racks": facility.design_racks,
        "installed_racks": facility.installed_racks,
        "racks_in_use": facility.racks_in_use,
        "nominal_rack_kw": _number(facility.nominal_rack_kw),
        "adjustable_load_kw": _number(facility.adjustable_load_kw),
        "maximum_load_kw": _number(facility.maximum_load_kw),
    }


def _readings(readings: Iterable[Reading]) -> list[list[str | None]]:
    return [
        [r.kind.value, utc_text(r.starts_at), utc_text(r.ends_at), _number(_taken_in(r.quantity))]
        for r in readings
    ]


def _taken_in(quantity: Decimal) -> Decimal:
    return quantity.quantize(QUANTITY)


def _claims(claims: Claims) -> dict[str, Any]:
    return {
        "certificates": [
            {
                "id": c.id,
                "kwh": _number(c.kwh),
                "vintage": c.vintage.isoformat()[:7],
                "state": c.state,
                "backs": c.backs,
                "lapses_on": _day(c.lapses_on),
            }
            for c in sorted(claims.certificates, key=certificate_order)
        ],
        "settlements": [
            {"id": s.id, "kwh": _number(s.kwh), "certificate_id": s.certificate_id}
            for s in sorted(claims.settlements, key=settlement_order)
        ],
        "official_statuses": sorted(
            (
                {
                    "kind": s.kind,
                    "level": s.level,
                    "certificate_number": s.certificate_number,
                    "issuer": s.issuer,
                    "valid_from": _day(s.valid_from),
                    "valid_until": _day(s.valid_until),
                    "document_sha256": s.document_sha256,
                }
                for s in claims.official_statuses
            ),
            key=lambda s: (s["kind"], s["certificate_number"], s["level"]),
        ),
    }


def _factors(factors: RatingFactors) -> dict[str, Any]:
    return {
        "version": factors.version,
        "renewable_quota_share": _number(factors.renewable_quota_share),
        "renewable_quota_year": factors.renewable_quota_year,
        "grid_kg_per_kwh": _number(factors.grid_kg_per_kwh),
        "grid_data_year": factors.grid_data_year,
    }


def canonical_input(rating: "Rating") -> dict[str, Any]:
    """Everything the rating was computed from, sorted, as plain JSON values (numbers as text)."""
    with exact_arithmetic():
        return _input(rating)


def _input(rating: "Rating") -> dict[str, Any]:
    method, facility, readings, claims, factors = rating.inputs
    period = rating.period
    return {
        "format": FORMAT,
        "method": _method(method),
        "facility": _facility(facility),
        "period": {"starts_at": utc_text(period.starts_at), "ends_at": utc_text(period.ends_at)},
        "readings": _readings(readings),
        "claims": _claims(claims),
        "factors": _factors(factors),
    }


def canonical_output(rating: "Rating") -> dict[str, Any]:
    """The result as plain JSON values: figures and codes, no prose."""
    return {
        "green_tier": rating.green_tier,
        "score": _number(rating.score),
        "score_possible": _number(rating.score_possible),
        "completeness": _number(rating.completeness),
        "score_tier": rating.score_tier,
        "pue_tier": rating.pue_tier,
        "paired_hours": rating.paired_hours,
        "coverage": _number(rating.coverage),
        "items": [
            {
                "id": item.id,
                "value": _number(item.value),
                "share": _number(item.share),
                "points": _number(item.points),
                "unrated_code": item.unrated_code,
            }
            for item in rating.items
        ],
        "indicators": {i.id: _number(i.value) for i in rating.indicators},
        "renewable": {
            "grid_kwh": _number(rating.renewable.grid_kwh),
            "onsite_kwh": _number(rating.renewable.onsite_kwh),
            "direct_line_kwh": _number(rating.renewable.direct_line_kwh),
            "not_counted": [list(pair) for pair in rating.renewable.not_counted],
        },
        "gaps": [
            [utc_text(gap.starts_at), utc_text(gap.ends_at), list(gap.kinds)] for gap in rating.gaps
        ],
        "quarantined": [[q.kind, utc_text(q.starts_at), q.code] for q in rating.quarantined],
        "expires_at": utc_text(rating.expires_at) if rating.expires_at else None,
    }


def input_sha256(rating: "Rating") -> str:
    """SHA-256 of the canonical JSON of the input."""
    return sha256_hex(canonical_json(canonical_input(rating)))


def output_sha256(rating: "Rating") -> str:
    """SHA-256 of the canonical JSON of the output."""
    return sha256_hex(canonical_json(canonical_output(rating)))


def bundle(rating: "Rating") -> dict[str, Any]:
    """What an outsider needs to recompute the rating with docs/verify_rating.py."""
    return {
        "input": canonical_input(rating),
        "output": canonical_output(rating),
        "input_sha256": input_sha256(rating),
        "output_sha256": output_sha256(rating),
    }
