"""Write a checked plan down, set by set: proposals with their hours kept, or none of it.

Arrays go in by binary COPY, the rest is done by the server. The constraints on PoolHour have the
last word: a plan that does not fit beside what is promised is refused whole.
"""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from django.db import connection, transaction
from numpy.typing import NDArray

from scheduling.check_plan import units_used
from scheduling.copy_columns import copy_in
from scheduling.matching import Plan
from scheduling.matching.result import REASON_CODES, REASONS
from scheduling.models import MatchRun
from scheduling.pull_market import PulledMarket

OFFER_LASTS = timedelta(hours=24)

_ROWS = """
CREATE TEMP TABLE planned (workload_id bigint, pool_id bigint, rating_id bigint, version_id bigint,
    first bigint, last bigint, price bigint, voucher bigint, unit_hours bigint,
    kwh double precision, kg double precision) ON COMMIT DROP;
CREATE TEMP TABLE told (workload_id bigint, segments jsonb, story jsonb) ON COMMIT DROP;
CREATE TEMP TABLE kept (pool_id bigint, hour bigint, size bigint, units bigint) ON COMMIT DROP;
CREATE TEMP TABLE left_out (workload_id bigint, reason bigint) ON COMMIT DROP;
CREATE TEMP TABLE clock ON COMMIT DROP AS
SELECT hour, at, to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"+00:00"') AS iso
  FROM (SELECT hour, %(starts)s::timestamptz + hour * interval '1 hour' AS at
          FROM generate_series(0, %(hours)s) AS hour) AS hours;
"""

_MOVE = """
WITH moved AS (UPDATE scheduling_workload AS w SET state = 'matched', unplaced_reason = NULL
  FROM planned AS p WHERE w.id = p.workload_id AND w.state = 'submitted'
RETURNING w.id) SELECT COUNT(*) FROM moved
"""

_PROPOSE = """
INSERT INTO scheduling_placement (run_id, workload_id, pool_id, rating_id, price_version_id,
    state, starts_at, ends_at, segments, price_fen, voucher_fen, price_fen_per_unit_hour,
    energy_kwh, carbon_kg, explanation, valid_until, holds_capacity, replaces_id)
SELECT %(run)s, p.workload_id, p.pool_id, NULLIF(p.rating_id, 0), NULLIF(p.version_id, 0),
       'proposed', f.at, l.at,
       COALESCE(t.segments, jsonb_build_array(jsonb_build_array(f.iso, l.iso))),
       p.price, p.voucher, (p.price + p.unit_hours - 1) / p.unit_hours,
       round(p.kwh::numeric, 3), round(NULLIF(p.kg, 'NaN')::numeric, 3),
       COALESCE(t.story, '{}'), LEAST(%(until)s, f.at), TRUE, {replaces}
  FROM planned AS p
  JOIN clock AS f ON f.hour = p.first
  JOIN clock AS l ON l.hour = p.last
  LEFT JOIN told AS t ON t.workload_id = p.workload_id
"""
# The newest placement that failed its workload; only asked for where there is any.
_REPLACES = """(SELECT MAX(old.id) FROM scheduling_placement AS old
    WHERE old.workload_id = p.workload_id AND old.state = 'failed')"""

_KEEP = """
INSERT INTO scheduling_poolhour (pool_id, starts_at, units, taken, proposed)
SELECT k.pool_id, c.at, k.size, 0, k.units FROM kept AS k JOIN clock AS c USING (hour)
 ORDER BY k.pool_id, k.hour
ON CONFLICT (pool_id, starts_at)
DO UPDATE SET proposed = scheduling_poolhour.proposed + EXCLUDED.proposed
"""

_LEAVE_OUT = """
UPDATE scheduling_workload AS w SET state = 'unplaced',
       unplaced_reason = ((%(reasons)s::jsonb) -> p.reason::int)
       || jsonb_build_object('run', %(run)s)
       || CASE WHEN t.story IS NULL THEN '{}' ELSE jsonb_build_object('explanation', t.story) END
  FROM left_out AS p
  LEFT JOIN told AS t ON t.workload_id = p.workload_id
 WHERE w.id = p.workload_id AND w.state = 'submitted'
"""


@transaction.atomic
def commit_plan(
    *,
    run: MatchRun,
    pulled: PulledMarket,
    planned: Plan,
    without: NDArray[np.bool_] | None = None,
    stories: Mapping[int, Mapping[str, Any]] | None = None,
    keep_waiting: bool = False,
    at: datetime,
) -> dict[str, int]:
    """Propose what `planned` places; returns how many were placed, left out and skipped.

    `without` marks jobs to leave waiting (their pool changed meanwhile). A workload that moved on
    since it was read is skipped. `keep_waiting` leaves the unplaced ones waiting instead of telling
    them so. `stories` are explanations by workload. Raises IntegrityError from
    `a_pool_hour_is_never_oversold`.
    """
    columns, ids = planned.columns, pulled.workload_ids
    chosen = columns.pool_of >= 0
    if without is not None:
        chosen = chosen & ~without
    rows = np.flatnonzero(chosen)
    with connection.cursor() as cursor:
        for name in ("planned", "told", "kept", "left_out", "clock"):
            cursor.execute(f"DROP TABLE IF EXISTS pg_temp.{name}")
        cursor.execute(_ROWS, {"starts": pulled.starts_at, "hours": run.hours})
        copy_in(cursor, "planned", _columns(pulled, planned, rows))
        _tell(cursor, pulled, planned, rows, stories or {})
        cursor.execute("ANALYZE planned; ANALYZE told; ANALYZE clock")
        moved = _move(cursor, ids[rows])
        if len(moved) < len(rows):
            rows = rows[np.isin(ids[rows], moved)]
            cursor.execute("DELETE FROM planned WHERE workload_id <> ALL(%s)", [moved.tolist()])
        # Before anything with a deferred foreign key goes in: an update whose trigger runs behind a
        # long queue of those is a hundred times slower.
        told = 0 if keep_waiting else _leave_out(cursor, run, pulled, planned)
        cursor.execute(
            "SELECT EXISTS (SELECT 1 FROM scheduling_placement AS s JOIN planned AS p"
            " USING (workload_id) WHERE s.state = 'failed')"
        )
        again = cursor.fetchone()[0]
        cursor.execute(
            _PROPOSE.replace("{replaces}", _REPLACES if again else "NULL"),
            {"run": run.pk, "until": at + OFFER_LASTS},
        )
        copy_in(cursor, "kept", _kept(pulled, planned, rows, run.hours))
        cursor.execute("ANALYZE kept")
        cursor.execute(_KEEP)
    return {"placed": len(rows), "unplaced": told, "skipped": int(chosen.sum()) - len(rows)}


def _columns(
    pulled: PulledMarket, planned: Plan, rows: NDArray[np.int64]
) -> dict[str, NDArray[Any]]:
    columns, jobs, pools = planned.columns, pulled.jobs, pulled.market.pools
    keys = [pool.pool_id for pool in pools]
    pool_ids = np.array([int(key) for key in keys], np.int64)
    ratings = np.array([pulled.pools[key].rating_id or 0 for key in keys], np.int64)
    none = np.zeros(planned.hours, np.int64)
    versions = np.array([pulled.price_version.get(key, none) for key in keys], np.int64)
    pool, first = columns.pool_of[rows], columns.start[rows].astype(np.int64)
    last = first + columns.duration[rows]
    for place in np.flatnonzero(columns.split_of[rows] >= 0):
        spans = columns.segments(int(rows[place]))
        first[place], last[place] = spans[0][0], spans[-1][1]
    return {
        "workload_id": pulled.workload_ids[rows],
        "pool_id": pool_ids[pool],
        "rating_id": ratings[pool],
        "version_id": versions[pool, first] if len(rows) else np.zeros(0, np.int64),
        "first": first,
        "last": last,
        "price": columns.price_fen[rows],
        "voucher": columns.voucher_fen[rows],
        "unit_hours": jobs.units[rows] * jobs.duration_hours[rows],
        "kwh": columns.kwh[rows].astype(np.float64),
        "kg": columns.kgco2[rows].astype(np.float64),
    }


def _tell(
    cursor: Any,
    pulled: PulledMarket,
    planned: Plan,
    rows: NDArray[np.int64],
    stories: Mapping[int, Mapping[str, Any]],
) -> None:
    """Segments of split jobs, and stories where they were told at once."""
    told: dict[int, list[Any]] = {key: [None, story] for key, story in stories.items()}
    for row in rows[planned.columns.split_of[rows] >= 0]:
        spans = [
            [pulled.instant(first).isoformat(), pulled.instant(last).isoformat()]
            for first, last in planned.columns.segments(int(row))
        ]
        told.setdefault(int(pulled.workload_ids[row]), [None, None])[0] = spans
    with cursor.copy("COPY told FROM STDIN") as copy:
        for key, (spans, story) in told.items():
            copy.write_row([key, spans and json.dumps(spans), story and json.dumps(story)])


def _move(cursor: Any, ids: NDArray[np.int64]) -> NDArray[np.int64]:
    """Workloads that still waited, now matched."""
    cursor.execute(_MOVE)
    count = cursor.fetchone()[0]
    if count == len(ids):
        return ids
    cursor.execute(
        "SELECT w.id FROM scheduling_workload w JOIN planned p ON p.workload_id = w.id"
        " WHERE w.state = 'matched' AND NOT EXISTS (SELECT 1 FROM scheduling_placement s"
        " WHERE s.workload_id = w.id AND s.state IN ('proposed', 'accepted'))"
    )
    return np.array([row[0] for row in cursor.fetchall()], np.int64)


def _kept(
    pulled: PulledMarket, planned: Plan, rows: NDArray[np.int64], hours: int
) -> dict[str, NDArray[np.int64]]:
    use = units_used(pulled.market, planned, hours, rows=rows)
    pool, hour = np.nonzero(use)
    pool_ids = np.array([int(each.pool_id) for each in pulled.market.pools], np.int64)
    sizes = np.array([each.units for each in pulled.market.pools], np.int64)
    return {
        "pool_id": pool_ids[pool],
        "hour": hour.astype(np.int64),
        "size": sizes[pool],
        "units": use[pool, hour],
    }


def _leave_out(cursor: Any, run: MatchRun, pulled: PulledMarket, planned: Plan) -> int:
    out = np.flatnonzero(planned.columns.pool_of < 0)
    copy_in(
        cursor,
        "left_out",
        {
            "workload_id": pulled.workload_ids[out],
            "reason": planned.columns.reason[out].astype(np.int64),
        },
    )
    cursor.execute("ANALYZE left_out")
    reasons = [
        {"code": code, "text_en": REASONS[code][0], "text_zh": REASONS[code][1]}
        for code in REASON_CODES
    ]
    cursor.execute(_LEAVE_OUT, {"run": run.pk, "reasons": json.dumps(reasons)})
    return int(cursor.rowcount)


def store_archive(run: MatchRun, market: bytes, plan: bytes) -> None:
    """Keep what the run was made from and chose; tens of megabytes go in by COPY, unescaped."""
    with (
        connection.cursor() as cursor,
        cursor.copy(
            "COPY scheduling_matcharchive (run_id, market, plan) FROM STDIN (FORMAT BINARY)"
        ) as copy,
    ):
        copy.set_types(["int8", "bytea", "bytea"])
        copy.write_row((run.pk, market, plan))
