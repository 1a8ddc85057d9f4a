"""A pool cannot run anything for a while: what was to run there is placed again elsewhere."""

from datetime import datetime

from django.db import transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from audit.actions.record import record
from audit.decisions import Actor, Invalid
from providers.models import Pool
from scheduling.actions.withdraw_from_pool import withdraw_from_pool
from scheduling.models import Closure


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
    """Close `pool` in [starts_at, ends_at) for an "outage" or "maintenance".

    Proposals in those hours end, and allocations whose job has not begun are withdrawn: their hours
    are free, their workloads wait again, their orders end without a charge. A running job keeps its
    allocation until its platform says how it ended. Raises Invalid.
    """
    if kind not in Closure.Kind.values:
        raise Invalid("kind", f"unknown kind of closure: {kind}", f"未知的停机类型：{kind}")
    if not starts_at < ends_at or ends_at <= at:
        raise Invalid(
            "ends_at",
            "it must end after it starts and later than now",
            "结束时间须晚于开始时间和当前时间",
        )
    closure = Closure.objects.create(
        pool=pool,
        kind=kind,
        period=DateTimeTZRange(starts_at, ends_at),
        reason=reason,
        declared_at=at,
    )
    withdrawn = withdraw_from_pool(
        pool=pool, starts_at=starts_at, ends_at=ends_at, why=kind, actor=actor, at=at
    )
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
            **withdrawn,
        },
    )
    return closure


@transaction.atomic
def lift_closure(*, closure: Closure, actor: Actor, at: datetime) -> Closure:
    """The pool can run again; lifting twice changes nothing."""
    if Closure.objects.filter(pk=closure.pk, lifted_at=None).update(lifted_at=at):
        data = {"pool_id": closure.pool_id}
        record("pool.reopened", subject=closure, actor=actor, at=at, data=data)
    closure.refresh_from_db()
    return closure
