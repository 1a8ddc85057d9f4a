"""Workloads no plan can serve are told so, one by one: they must not spoil the plan of the rest."""

from datetime import datetime

from django.db import connection, transaction

from audit.actions.record import record
from audit.decisions import Actor
from scheduling.matching import MarketError
from scheduling.models import Workload

_TOO_LATE = """
UPDATE scheduling_workload
   SET state = 'unplaced', unplaced_reason = jsonb_build_object(
       'code', 'deadline_passed',
       'text_en', 'its window is over: it can no longer end before its deadline',
       'text_zh', '时间窗已过：截止时间前无法完成')
 WHERE state = 'submitted'
   AND FLOOR(EXTRACT(epoch FROM deadline_at - %(starts)s::timestamptz) / 3600) <
       GREATEST(0, CEIL(EXTRACT(epoch FROM earliest_at - %(starts)s::timestamptz) / 3600))
       + duration_hours
RETURNING id
"""


@transaction.atomic
def set_aside_too_late(*, starts_at: datetime, actor: Actor, at: datetime) -> int:
    """Waiting workloads that cannot end in time any more, from the horizon's start; how many."""
    with connection.cursor() as cursor:
        cursor.execute(_TOO_LATE, {"starts": starts_at})
        late = [row[0] for row in cursor.fetchall()]
    if late:
        record(
            "workload.set_aside",
            subject=("scheduling.workload", str(late[0])),
            actor=actor,
            at=at,
            data={"count": len(late), "code": "deadline_passed"},
        )
    return len(late)


@transaction.atomic
def set_aside_refused(*, workload_id: int, error: MarketError, actor: Actor, at: datetime) -> None:
    """A workload the matcher refuses to read, with the field it named."""
    Workload.objects.filter(pk=workload_id, state="submitted").update(
        state="unplaced",
        unplaced_reason={
            "code": error.code,
            "field": error.field,
            "text_en": error.text_en,
            "text_zh": error.text_zh,
        },
    )
    record(
        "workload.set_aside",
        subject=("scheduling.workload", str(workload_id)),
        actor=actor,
        at=at,
        data={"count": 1, "code": error.code},
    )
