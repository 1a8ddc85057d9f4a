"""Waiting workloads as the matcher's columns, by binary COPY: no object per job."""

import json
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from scheduling.copy_columns import copy_out
from scheduling.matching import JobColumns

WAITING = """
CREATE TEMP TABLE waiting ON COMMIT DROP AS
SELECT id, units::bigint AS units, duration_hours::bigint AS duration,
       GREATEST(0, CEIL(EXTRACT(epoch FROM earliest_at - %(starts)s::timestamptz) / 3600))::bigint
           AS earliest,
       FLOOR(EXTRACT(epoch FROM deadline_at - %(starts)s::timestamptz) / 3600)::bigint AS deadline,
       max_price_fen_per_unit_hour AS max_price, COALESCE(min_green_tier, 0)::bigint AS tier,
       interruptible::int::bigint AS interruptible, kinds, regions, voucher_terms AS terms,
       hashtextextended(kinds::text, 0) AS kinds_key,
       hashtextextended(regions::text, 0) AS regions_key,
       CASE WHEN voucher_terms IS NULL OR voucher_terms = 'null' THEN 0
            ELSE hashtextextended(voucher_terms::text, 0) END AS terms_key
  FROM scheduling_workload
 WHERE state = 'submitted' AND {shard}
 ORDER BY id LIMIT %(most)s
"""
READ = """
SELECT id, units, duration, earliest, deadline, max_price, tier, interruptible, kinds_key,
       regions_key, terms_key FROM waiting WHERE deadline >= earliest + duration ORDER BY id
"""
DISTINCT = "SELECT DISTINCT {name}_key, {name}::text FROM waiting WHERE {name}_key <> 0"
JOB_COLUMNS = dict.fromkeys(
    [
        *("id", "units", "duration", "earliest", "deadline", "max_price", "tier", "interruptible"),
        *("kinds_key", "regions_key", "terms_key"),
    ],
    "i",
)


def pull_jobs(
    starts_at: datetime, most: int, shard: str = "TRUE"
) -> tuple[NDArray[np.int64], JobColumns, dict[str, int]]:
    """(keys, columns, fen left by voucher) of what waits; must run inside a transaction."""
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS waiting")
        cursor.execute(WAITING.format(shard=shard), {"starts": starts_at, "most": most})
        columns = copy_out(
            cursor,
            READ,
            JOB_COLUMNS,
        )
        sets: dict[str, dict[int, Any]] = {}
        for name in ("kinds", "regions", "terms"):
            cursor.execute(DISTINCT.replace("{name}", name))
            found = cursor.fetchall()
            sets[name] = {key: json.loads(text) for key, text in found}
            if len(sets[name]) != len(found):
                raise ValueError(f"two {name} have one hash")
        cursor.execute("DROP TABLE waiting")
    return columns["id"], *_job_columns(columns, sets)


def _job_columns(
    columns: Mapping[str, NDArray[np.int64]], sets: Mapping[str, Mapping[int, Any]]
) -> tuple[JobColumns, dict[str, int]]:
    count = len(columns["id"])
    kind_keys, kinds = np.unique(columns["kinds_key"], return_inverse=True)
    region_keys, regions = np.unique(columns["regions_key"], return_inverse=True)
    term_keys, term_of = np.unique(columns["terms_key"], return_inverse=True)
    region_sets = [frozenset(sets["regions"][int(key)]) for key in region_keys]
    index = {wanted: k for k, wanted in enumerate(region_sets)}
    terms = [sets["terms"].get(int(key), {}) for key in term_keys]
    pots: dict[str, int] = {}
    numbers: dict[str, int] = {}
    rate, cap, pot, where = (np.zeros(len(terms), np.int64) for _ in range(4))
    for k, each in enumerate(terms):
        wanted = frozenset(each.get("regions") or ())
        if wanted not in index:
            index[wanted] = len(region_sets)
            region_sets.append(wanted)
        where[k] = index[wanted]
        rate[k] = int(Decimal(str(each.get("rate", 0))) * 10_000)
        cap[k] = -1 if each.get("cap_fen") is None else each["cap_fen"]
        pot[k] = -1
        if each:
            name = str(each["voucher_id"])
            pot[k] = numbers.setdefault(name, len(numbers))
            left = int(each["available_fen"])
            pots[name] = min(left, pots.get(name, left))
    jobs = JobColumns(
        job_ids=columns["id"].astype("U20") if count else np.zeros(0, "U1"),
        units=columns["units"],
        duration_hours=columns["duration"],
        earliest_hour=columns["earliest"],
        deadline_hour=columns["deadline"],
        max_price_fen_per_unit_hour=columns["max_price"],
        kinds=kinds.astype(np.int32),
        regions=regions.astype(np.int32),
        min_green_tier=columns["tier"].astype(np.int32),
        max_pue=np.full(count, np.inf),
        voucher_rate_e4=rate[term_of],
        voucher_regions=where[term_of].astype(np.int32),
        voucher_cap_fen=cap[term_of],
        voucher_pot=pot[term_of].astype(np.int32),
        interruptible=columns["interruptible"].astype(np.bool_),
        labels=np.zeros(count, np.int32),
        group=np.zeros(count, np.int32),
        kind_sets=[frozenset(sets["kinds"][int(key)]) for key in kind_keys],
        region_sets=region_sets,
        pot_names=list(numbers),
    )
    return jobs, pots
