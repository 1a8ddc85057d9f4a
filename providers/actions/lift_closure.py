"""The pool can run again."""

from datetime import datetime

from django.db import transaction

from audit.actions.record import record
from audit.decisions import Actor
from providers.models import Closure
from providers.policy import require_closer


@transaction.atomic
def lift_closure(*, closure: Closure, actor: Actor, at: datetime) -> Closure:
    """End `closure` at `at`; lifting twice changes nothing. Raises NotPermitted, NotFound."""
    require_closer(actor, closure.pool.facility.provider_id)
    if Closure.objects.filter(pk=closure.pk, lifted_at=None).update(lifted_at=at):
        data = {"pool_id": closure.pool_id}
        record("pool.reopened", subject=closure, actor=actor, at=at, data=data)
    closure.refresh_from_db()
    return closure
