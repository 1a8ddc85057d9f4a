"""Turn a suspicion into a case."""

from datetime import datetime

from django.db import transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from audit.actions.record import record
from audit.decisions import Actor
from identity.policy import require_role
from identity.roles import Role
from providers.green import Suspicion
from providers.models import PlausibilityCase, Pool


@transaction.atomic
def raise_case(
    *,
    suspicion: Suspicion,
    pool: Pool,
    starts_at: datetime,
    ends_at: datetime,
    actor: Actor,
    at: datetime,
) -> PlausibilityCase | None:
    """Open the case of `pool` for [starts_at, ends_at); None when this suspicion has its case.

    Nothing else changes. Raises NotPermitted.
    """
    if not actor.has("system"):
        require_role(actor, Role.FRAUD_ANALYST)
    case, created = PlausibilityCase.objects.get_or_create(
        check_name=suspicion.check,
        pool=pool,
        period=DateTimeTZRange(starts_at, ends_at),
        defaults={
            "provider_id": pool.facility.provider_id,
            "facility_id": pool.facility_id,
            "numbers": dict(suspicion.numbers),
            "text_en": suspicion.text_en,
            "text_zh": suspicion.text_zh,
            "raised_at": at,
        },
    )
    if not created:
        return None
    record(
        "plausibility.raised",
        subject=case,
        actor=actor,
        at=at,
        data={"check": suspicion.check, "pool_id": pool.pk, **dict(suspicion.numbers)},
    )
    return case
