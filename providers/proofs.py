"""What must be true of the supply side, proved from the rows themselves."""

import json
from collections.abc import Iterable

from audit.canonical import canonical_json, sha256_hex
from audit.proofs import Proof, Violation, rows_that_violate
from providers.green import canonical_output
from providers.models import RatingBundle
from providers.rating_inputs import rate_again

_INTERVALS = """
    SELECT 'meter ' || meter_id, 'accepted intervals overlap at ' || lower(period)
      FROM (SELECT meter_id, period,
                   max(upper(period)) OVER (
                       PARTITION BY meter_id ORDER BY lower(period), id
                       ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS reached
              FROM providers_meterreading WHERE state = 'accepted' AND revision = 0) ordered
     WHERE lower(period) < reached
"""
_EVENTS = """
    SELECT 'reading ' || r.id, 'its event is not in the register, so it could be counted again'
      FROM providers_meterreading r
      LEFT JOIN providers_meterevent e ON e.source_id = r.source_id AND e.event_id = r.event_id
     WHERE e.event_id IS NULL
    UNION ALL
    SELECT 'reading ' || r.id, 'corrects an interval that has no first reading'
      FROM providers_meterreading r
     WHERE r.revision > 0
       AND NOT EXISTS (SELECT FROM providers_meterreading f
                        WHERE f.meter_id = r.meter_id AND f.starts_at = r.starts_at
                          AND f.state = 'accepted' AND f.revision = r.revision - 1)
"""
_ROLL_UPS = """
    SELECT 'meter ' || meter_id || ' ' || month, 'the month is not the sum of its readings'
      FROM (SELECT r.meter_id,
                   date_trunc('month', r.starts_at AT TIME ZONE 'Asia/Shanghai')::date AS month,
                   sum(r.quantity) AS quantity
              FROM providers_meterreading r
             WHERE r.state = 'accepted'
               AND NOT EXISTS (SELECT FROM providers_meterreading c
                                WHERE c.meter_id = r.meter_id AND c.starts_at = r.starts_at
                                  AND c.state = 'accepted' AND c.revision = r.revision + 1)
             GROUP BY 1, 2) summed
      FULL JOIN providers_metermonth m USING (meter_id, month)
     WHERE summed.quantity IS DISTINCT FROM m.quantity
"""
_CERTIFICATES = """
    SELECT 'certificate ' || c.serial, 'is ' || c.state || ' with ' || count(a.id) || ' allocations'
      FROM providers_greencertificate c
      LEFT JOIN providers_certificateallocation a ON a.certificate_id = c.id
     GROUP BY c.id
    HAVING count(a.id) <> CASE c.state WHEN 'held' THEN 0 ELSE 1 END
"""
_VERIFIERS = """
    SELECT 'rating ' || r.id, 'approved by who computed it'
      FROM providers_greenrating r WHERE r.approved_by_id = r.computed_by_id
    UNION ALL
    SELECT 'rating ' || r.id, 'in force without a tier or an approval'
      FROM providers_greenrating r
     WHERE r.state IN ('approved', 'challenged', 'revoked')
       AND (r.green_tier IS NULL OR r.approved_by_id IS NULL OR r.valid IS NULL)
"""
_PRICES = """
    SELECT 'offer ' || a.offer_id, 'has two prices at ' || lower(b.valid)
      FROM providers_priceversion a
      JOIN providers_priceversion b
        ON b.offer_id = a.offer_id AND b.id > a.id AND b.valid && a.valid
"""


def _ratings_recompute() -> Iterable[Violation]:
    bundles = RatingBundle.objects.select_related("rating").order_by("pk")
    for bundle in bundles.iterator(chunk_size=5):  # megabytes each
        rating = bundle.rating
        if sha256_hex(bundle.input) != rating.input_digest:
            yield Violation(f"rating {rating.pk}", "its stored inputs do not match their digest")
            continue
        again = canonical_json(canonical_output(rate_again(json.loads(bundle.input))))
        if again != bundle.output or sha256_hex(again) != rating.output_digest:
            yield Violation(f"rating {rating.pk}", "recomputing gives another result")
        elif json.loads(again)["green_tier"] != rating.green_tier:
            yield Violation(f"rating {rating.pk}", "shows another tier than was computed")


PROOFS = [
    Proof("I9", "No meter interval is counted twice.", rows_that_violate(_INTERVALS)),
    Proof("readings", "Every reading's event is known for ever.", rows_that_violate(_EVENTS)),
    Proof("months", "A meter's month is the sum of its readings.", rows_that_violate(_ROLL_UPS)),
    Proof(
        "certificates",
        "A certificate is allocated at most once, and exactly when it is not held.",
        rows_that_violate(_CERTIFICATES),
    ),
    Proof("prices", "An offer has one price at a time.", rows_that_violate(_PRICES)),
    Proof(
        "verifiers",
        "A rating in force was approved by somebody else than who computed it.",
        rows_that_violate(_VERIFIERS),
    ),
    Proof(
        "ratings",
        "A rating recomputed from its stored inputs is the same byte for byte.",
        _ratings_recompute,
    ),
]
