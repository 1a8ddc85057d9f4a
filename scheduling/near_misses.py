"""What a provider almost won and why it lost, from what the runs stored.

Every explanation names its best rejected alternatives; those in a provider's pools are demand it
almost won. Nothing is said of who won instead or at what price.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import connection

_BY_COST = ("price", "carbon")

# Rejected alternatives of standing and past placements, and of workloads left out, newest first.
_LOST = """
SELECT told.workload_id, told.run_id, told.placed, w.units, w.duration_hours, other
  FROM (SELECT p.workload_id, p.run_id, TRUE AS placed, p.explanation AS story,
               p.pool_id AS chosen
          FROM scheduling_placement AS p WHERE p.explanation ? 'rejected'
        UNION ALL
        SELECT id, (unplaced_reason ->> 'run')::bigint, FALSE, unplaced_reason -> 'explanation',
               NULL::bigint
          FROM scheduling_workload
         WHERE state = 'unplaced' AND unplaced_reason -> 'explanation' ? 'rejected') AS told
  JOIN scheduling_workload AS w ON w.id = told.workload_id
 CROSS JOIN LATERAL jsonb_array_elements(told.story -> 'rejected') AS other
  JOIN providers_pool AS pool ON pool.id = (other ->> 'pool_id')::bigint
  JOIN providers_facility AS facility ON facility.id = pool.facility_id
 WHERE {whose} AND pool.id IS DISTINCT FROM told.chosen
 ORDER BY told.run_id DESC NULLS LAST, told.workload_id DESC LIMIT %(rows)s
"""


@dataclass(frozen=True)
class NearMiss:
    """One workload that almost ran in a pool. `units` in `pool_code` from `starts_at`.

    lost_because     capacity | price | carbon | shadow_price | limit, with texts in both languages
    price_delta_fen  dearer (positive) than what was chosen; None where nothing was chosen
    cheaper_by_fen   how much lower a price per unit-hour would have won on price and carbon; None
                     where price did not decide
    """

    workload_id: int
    run_id: int | None
    placed_elsewhere: bool
    pool_id: int
    pool_code: str
    facility: str
    units: int
    duration_hours: int
    starts_at: datetime
    price_fen: int
    price_delta_fen: int | None
    carbon_delta_kg: Decimal | None
    lost_because: str
    cheaper_by_fen: int | None
    text_en: str
    text_zh: str


def near_misses(*, provider_id: int | None, rows: int = 100) -> list[NearMiss]:
    """The newest near misses of a provider; of all of them with None (auditors)."""
    whose = "TRUE" if provider_id is None else "facility.provider_id = %(provider)s"
    with connection.cursor() as cursor:
        cursor.execute(_LOST.replace("{whose}", whose), {"provider": provider_id, "rows": rows})
        return list(_read(cursor.fetchall()))


def _read(rows: list[Any]) -> Iterator[NearMiss]:
    for workload_id, run_id, placed, units, hours, other in rows:
        other = other if isinstance(other, dict) else _loaded(other)
        kg, delta, cost = (
            other.get(name) for name in ("kgco2_delta", "price_delta_fen", "cost_delta_fen")
        )
        cheaper = None
        if placed and cost is not None and cost > 0 and other["lost_because"] in _BY_COST:
            cheaper = -(-int(cost + 1) // (units * hours))
        en, zh = other["text_en"], other["text_zh"]
        if cheaper:
            en += f"; ¥{cheaper / 100:.2f} less per unit-hour would have won it"
            zh += f"；每单元小时再低 ¥{cheaper / 100:.2f} 即可赢得"
        yield NearMiss(
            workload_id=workload_id,
            run_id=run_id,
            placed_elsewhere=placed,
            pool_id=int(other["pool_id"]),
            pool_code=other.get("pool_code", ""),
            facility=other.get("facility", ""),
            units=units,
            duration_hours=hours,
            starts_at=datetime.fromisoformat(other["starts_at"]),
            price_fen=other["price_fen"],
            price_delta_fen=delta if placed else None,
            carbon_delta_kg=None if kg is None else Decimal(str(round(kg, 3))),
            lost_because=other["lost_because"],
            cheaper_by_fen=cheaper,
            text_en=en,
            text_zh=zh,
        )


def _loaded(text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text)
    return found
