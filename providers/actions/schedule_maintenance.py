"""Announce a time in which a pool is not sold."""

from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from audit.actions.record import record
from audit.decisions import Actor, Invalid
from providers.models import Pool, PoolMaintenance
from providers.policy import require_provider


@transaction.atomic
def schedule_maintenance(
    *,
    pool: Pool,
    starts_at: datetime,
    ends_at: datetime,
    reason: str,
    actor: Actor,
    at: datetime,
) -> PoolMaintenance:
    """Take `pool` off sale for [starts_at, ends_at), announced before it begins.

    What is allocated already stays allocated. Raises NotPermitted, NotFound, Invalid.
    """
    require_provider(actor, pool.facility.provider_id)
    if starts_at < at:
        raise Invalid("starts_at", "must not have begun", "不得早于当前时间")
    if ends_at <= starts_at:
        raise Invalid("ends_at", "must be after starts_at", "须晚于 starts_at")
    if not reason:
        raise Invalid("reason", "must not be empty", "不能为空")
    try:
        with transaction.atomic():
            announced = PoolMaintenance.objects.create(
                pool=pool,
                during=DateTimeTZRange(starts_at, ends_at),
                reason=reason,
                announced_at=at,
            )
    except IntegrityError as error:
        raise Invalid(
            "starts_at", "overlaps announced maintenance", "与已公布的维护重叠"
        ) from error
    record(
        "maintenance.announced",
        subject=announced,
        actor=actor,
        at=at,
        data={"pool_id": pool.pk, "starts_at": starts_at, "ends_at": ends_at, "reason": reason},
    )
    return announced
