"""Compute a submitted rating anew from what is stored."""

from datetime import datetime

from django.db import transaction

from audit.actions.record import record
from audit.canonical import canonical_json, sha256_hex
from audit.decisions import SYSTEM, Actor, NotPermitted, StaleState
from providers import green
from providers.green.exact import civil_day
from providers.models import GreenRating
from providers.rating_inputs import rate_stored

CHANGED = (
    "The evidence has changed since the draft; draft again. 草稿之后证据已有变化，请重新生成草稿。"
)


@transaction.atomic
def check_rating(*, rating: GreenRating, actor: Actor, at: datetime) -> GreenRating:
    """submitted → auto_checked when readings, certificates, statuses, method and factors still give
    the digests of the draft, byte for byte; else → rejected, with the reason.

    Raises NotPermitted for anybody but the system, StaleState.
    """
    if actor is not SYSTEM:
        raise NotPermitted(role="system")
    period = green.Period(rating.period.lower, rating.period.upper)
    again = rate_stored(rating.facility, period, on=civil_day(rating.computed_at))
    given = sha256_hex(canonical_json(green.canonical_input(again)))
    result = sha256_hex(canonical_json(green.canonical_output(again)))
    same = (given, result) == (rating.input_digest, rating.output_digest)
    moved = GreenRating.objects.filter(pk=rating.pk, state="submitted").update(
        state="auto_checked" if same else "rejected", rejection_reason="" if same else CHANGED
    )
    rating.refresh_from_db()
    if not moved:
        raise StaleState(thing="rating", current=rating.state, needed="submitted")
    record(
        "rating.checked",
        subject=rating,
        actor=actor,
        at=at,
        data={"same": same, "input_sha256": given, "output_sha256": result},
    )
    return rating
