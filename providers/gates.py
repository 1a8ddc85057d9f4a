"""What a facility has to show to a gate, from its rows."""

from datetime import datetime
from decimal import Decimal

from providers.green import Condition, GateAnswer, Held, gate_answers
from providers.models import Facility, GreenRating
from providers.queries import rating_at
from providers.rating_inputs import status_of

# What programmes and hubs most often ask for: PUE at most 1.2, renewable share 80 %, level 4A.
CUSTOMARY = (
    Condition("pue", "<=", Decimal("1.2")),
    Condition("renewable_share", ">=", Decimal("0.8")),
    Condition("green_low_carbon_level", ">=", "4A"),
)


def held_by(facility: Facility, rating: GreenRating | None) -> Held:
    """The figures of `rating` (None = no rating holds) and the copied certificates."""
    statuses = tuple(status_of(each) for each in facility.official_statuses)
    if rating is None:
        return Held(None, statuses=statuses)
    return Held(index_of(rating), source_of(rating), statuses)


def index_of(rating: GreenRating) -> dict[str, Decimal]:
    """The figures that are rated."""
    known = {
        each["id"]: Decimal(each["value"])
        for each in rating.indicators
        if each["value"] is not None
    }
    if rating.green_tier is not None:
        known["green_tier"] = Decimal(rating.green_tier)
    return known


def source_of(rating: GreenRating) -> str:
    """The rating's number and method."""
    return f"{rating.pk}, {rating.method_version}"


def gates_of(
    facility: Facility, conditions: tuple[Condition, ...], *, at: datetime
) -> tuple[GateAnswer, ...]:
    """Each condition held against what `facility` has to show at `at`."""
    return gate_answers(conditions, held_by(facility, rating_at(facility, at)), at=at)
