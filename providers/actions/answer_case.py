"""Let the provider explain its figures."""

from datetime import datetime

from django.db import transaction

from audit.actions.record import record
from audit.decisions import Actor, Invalid, StaleState
from providers.models import PlausibilityCase
from providers.policy import require_provider


@transaction.atomic
def answer_case(
    *, case: PlausibilityCase, answer: str, actor: Actor, at: datetime
) -> PlausibilityCase:
    """raised → answered. Raises NotPermitted, NotFound, Invalid, StaleState."""
    require_provider(actor, case.provider_id)
    if not answer.strip():
        raise Invalid("answer", "must not be empty", "不能为空")
    moved = PlausibilityCase.objects.filter(pk=case.pk, state="raised").update(
        state="answered", answer=answer, answered_at=at
    )
    case.refresh_from_db()
    if not moved:
        raise StaleState(thing="case", current=case.state, needed="raised")
    record("plausibility.answered", subject=case, actor=actor, at=at, data={"answer": answer})
    return case
