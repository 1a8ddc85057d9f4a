"""The green conditions of a workload, against the rating its placement saw."""

from decimal import Decimal

from providers.gates import index_of, source_of
from providers.green import Condition, GateAnswer, Held, gate_answers
from scheduling.models import Placement


def green_gates(placement: Placement) -> tuple[GateAnswer, ...]:
    """Each condition with the asked and the actual figure. The rating stays the one it saw, even
    when that was revoked since."""
    least, rating = placement.workload.min_green_tier, placement.rating
    if not least:
        return ()
    held = Held(None) if rating is None else Held(index_of(rating), source_of(rating))
    asked = Condition("green_tier", ">=", Decimal(least))
    return gate_answers((asked,), held, at=placement.starts_at)
