"""A pool cannot run anything for a while."""

from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from audit.actions.record import record
from audit.decisions import Actor, Invalid
from providers.models import Closure, Pool
from providers.policy import require_closer


@transaction.atomic
def close_pool(
    *,
    pool: Pool,
    kind: str,
    starts_at: datetime,
    ends_at: datetime,
    actor: Actor,
    at: datetime,
    reason: str = "",
) -> Closure:
    """Close `pool` in [starts_at, ends_at) for an "outage" or announced "maintenance".

    Nothing more is sold in those hours. What was to run in them is placed again elsewhere by those
    who placed it; a job that runs is left to its platform. Raises NotPermitted, NotFound, Invalid.
    """
    require_closer(actor, pool.facility.provider_id)
    _check(kind, starts_at, ends_at, reason, at)
    try:
        with transaction.atomic():
            closure = Closure.objects.create(
                pool=pool,
                kind=kind,
                period=DateTimeTZRange(starts_at, ends_at),
                reason=reason,
                declared_at=at,
            )
    except IntegrityError as error:
        raise Invalid(
            "starts_at", "overlaps announced maintenance", "与已公布的维护重叠"
        ) from error
    record(
        "pool.closed",
        subject=closure,
        actor=actor,
        at=at,
        data={
            "pool_id": pool.pk,
            "kind": kind,
            "starts_at": starts_at,
            "ends_at": ends_at,
            "reason": reason,
        },
    )
    return closure


def _check(kind: str, starts_at: datetime, ends_at: datetime, reason: str, at: datetime) -> None:
    if kind not in Closure.Kind.values:
        raise Invalid("kind", f"unknown kind of closure: {kind}", f"未知的停机类型：{kind}")
    if not starts_at < ends_at or ends_at <= at:
        raise Invalid(
            "ends_at",
            "it must end after it starts and later than now",
            "结束时间须晚于开始时间和当前时间",
        )
    if kind == Closure.Kind.MAINTENANCE:
        if starts_at < at:
            raise Invalid("starts_at", "must not have begun", "不得早于当前时间")
        if not reason:
            raise Invalid("reason", "must not be empty", "不能为空")
