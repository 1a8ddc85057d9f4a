"""A market in shards: what does not interact is split exactly, what does at random (POP).

Workloads and pools interact when a workload could run in the pool, and workloads when they draw on
one voucher. Connected components (in practice: accelerator families and regions) can be planned
apart with nothing lost. A component may further be dealt into random parts, each with its share of
every unit and voucher: Narayanan et al., "Solving Large-Scale Granular Resource Allocation Problems
Efficiently with POP", SOSP 2021; what that loses is measured by BENCH=matching.
"""

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any

from django.db import connection

from scheduling.check_plan import free_units
from scheduling.matching import Market, Pool
from scheduling.matching.admit import region_accepts
from scheduling.pull_market import HORIZON_HOURS, PulledMarket

_ASKED = """
SELECT hashtextextended(kinds::text || '|' || regions::text, 0), kinds::text, regions::text,
       COALESCE(voucher_terms ->> 'voucher_id', ''), COUNT(*)
  FROM scheduling_workload WHERE state = 'submitted' GROUP BY 1, 2, 3, 4 ORDER BY 1, 4
"""


@dataclass(frozen=True)
class Shard:
    """Part `part` of `parts` of the workloads that ask what `asked` hashes, on `pools`."""

    asked: list[int]
    pools: list[str]
    jobs: int
    part: int = 0
    parts: int = 1

    @property
    def condition(self) -> str:
        """On scheduling_workload; whole numbers only."""
        keys = ", ".join(str(int(key)) for key in self.asked) or "NULL"
        text = f"hashtextextended(kinds::text || '|' || regions::text, 0) IN ({keys})"
        return text + f" AND mod(abs(hashint8(id)::bigint), {int(self.parts)}) = {int(self.part)}"

    def narrow(self, pulled: PulledMarket) -> PulledMarket:
        """The shard's pools, with its share of their free units and of every voucher."""
        mine = set(self.pools)
        pools = [pool for pool in pulled.market.pools if pool.pool_id in mine]
        pots = dict(pulled.market.voucher_pots_fen)
        if self.parts > 1:
            pools = self._share(pools)
            pots = {name: fen // self.parts for name, fen in pots.items()}
        return replace(
            pulled,
            market=replace(pulled.market, pools=pools, voucher_pots_fen=pots),
            pools={key: row for key, row in pulled.pools.items() if key in mine},
        )

    def _share(self, pools: Iterable[Pool]) -> list[Pool]:
        shared = []
        for pool in pools:
            free = free_units(Market([pool], []), HORIZON_HOURS)[0]
            share = free // self.parts + (self.part < free % self.parts)
            shared.append(replace(pool, occupied=pool.units - share))
        return shared

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def split_market(pulled: PulledMarket, *, workers: int, parts: int = 1) -> list[Shard]:
    """At most `workers` shards of whole components, each dealt into `parts`; the largest first.

    `pulled` needs its pools only. Workloads nobody could serve go with pools of their kind.
    """
    pools = pulled.market.pools
    with connection.cursor() as cursor:
        cursor.execute(_ASKED)
        asked = cursor.fetchall()
    parent: dict[str, str] = {}

    def root(name: str) -> str:
        parent.setdefault(name, name)
        while parent[name] != name:
            parent[name] = parent[parent[name]]
            name = parent[name]
        return name

    home: dict[int, str] = {}
    for key, kinds, regions, voucher, _count in asked:
        wanted_kinds, wanted_regions = (set(_texts(text)) for text in (kinds, regions))
        kin = [p for p in pools if not wanted_kinds or p.kind in wanted_kinds]
        able = [
            p
            for p in kin
            if not wanted_regions or any(region_accepts(c, p.region) for c in wanted_regions)
        ]
        names = [f"pool {pool.pool_id}" for pool in (able or kin[:1])] + [f"asked {key}"]
        names += [f"voucher {voucher}"] if voucher else []
        for name in names[1:]:
            parent[root(name)] = root(names[0])
        home[key] = names[0]
    for pool in pools:
        root(f"pool {pool.pool_id}")
    jobs: dict[str, int] = defaultdict(int)
    keys: dict[str, set[int]] = defaultdict(set)
    for key, _kinds, _regions, _voucher, count in asked:
        jobs[root(home[key])] += count
        keys[root(home[key])].add(key)
    bins = [Shard([], [], 0) for _ in range(max(1, min(workers, len(jobs))))]
    for name in sorted(jobs, key=lambda each: (-jobs[each], each)):
        least = min(range(len(bins)), key=lambda number: (bins[number].jobs, number))
        mine = [p.pool_id for p in pools if root(f"pool {p.pool_id}") == name]
        old = bins[least]
        bins[least] = Shard(
            sorted([*old.asked, *keys[name]]), [*old.pools, *mine], old.jobs + jobs[name]
        )
    return [replace(each, part=part, parts=parts) for each in bins for part in range(parts)]


def _texts(text: str) -> list[str]:
    found: list[str] = json.loads(text)
    return found
