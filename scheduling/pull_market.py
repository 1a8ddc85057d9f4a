"""From the database to the matcher's arrays: what waits, what is on offer, what is taken.

Everything comes in a fixed number of queries, jobs and taken hours by binary COPY.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
from django.db import connection, transaction
from numpy.typing import NDArray

from providers.models import PriceVersion
from providers.queries import MarketPool, market_pools
from scheduling.copy_columns import copy_out
from scheduling.matching import CarbonSeries, JobColumns, Market, Pool
from scheduling.models import CarbonSignal, Listing
from scheduling.pull_jobs import pull_jobs

HOUR = timedelta(hours=1)
HORIZON_HOURS = 168
TIME_TO_ACCEPT = timedelta(minutes=30)

# What an unmetered facility is planned with: the limit no data centre in use may exceed
# (GB 40879-2021). It is marked as assumed wherever its energy is shown.
PUE_LIMIT = Decimal("1.5")


TAKEN = """
SELECT pool_id, (EXTRACT(epoch FROM starts_at)::bigint - {begin}) / 3600 AS hour,
       (taken + proposed)::bigint AS units FROM scheduling_poolhour
 WHERE starts_at >= to_timestamp({begin}) AND starts_at < to_timestamp({end})
   AND taken + proposed > 0
"""


@dataclass(frozen=True)
class PulledMarket:
    """A market whose hour 0 starts at `starts_at`, with the rows behind its pools.

    `workload_ids` are the jobs' keys in the order of `market.jobs`. `price_version` names by pool
    the price version of every hour (0 = none); `carbon_basis` says by region what its series rests
    on; `stamp` is what the supply side looked like (see `supply_stamp`).
    """

    market: Market
    starts_at: datetime
    pools: dict[str, MarketPool]
    workload_ids: NDArray[np.int64]
    price_version: dict[str, NDArray[np.int64]] = field(default_factory=dict)
    carbon_basis: dict[str, str] = field(default_factory=dict)
    stamp: tuple[Any, ...] = ()

    @property
    def jobs(self) -> JobColumns:
        """The market's jobs; always columns here."""
        assert isinstance(self.market.jobs, JobColumns)
        return self.market.jobs

    def instant(self, hour: int) -> datetime:
        """When `hour` of the horizon starts."""
        return self.starts_at + hour * HOUR


def horizon_start(at: datetime) -> datetime:
    """The first full hour that leaves people time to accept."""
    return (at + TIME_TO_ACCEPT).replace(minute=0, second=0, microsecond=0) + HOUR


def pull_market(
    *, at: datetime, most: int, starts_at: datetime | None = None, shard: str = "TRUE"
) -> PulledMarket:
    """The `most` longest-waiting workloads and everything on offer, as of now.

    `shard` is a condition of ours on scheduling_workload. A workload whose window has passed is
    left out here; see set_aside.
    """
    starts_at = starts_at or horizon_start(at)
    with transaction.atomic():
        stamp = supply_stamp()
        ids, jobs, pots = pull_jobs(starts_at, most, shard)
        rows = offered_pools(at, starts_at)
        taken = taken_units(rows, starts_at)
        versions = price_versions(rows, starts_at)
        carbon, basis = pull_carbon(rows, starts_at)
    return PulledMarket(
        market=Market(
            pools=[pool_of(row, taken.get(key)) for key, row in rows.items()],
            jobs=jobs,
            carbon=carbon,
            voucher_pots_fen=pots,
        ),
        starts_at=starts_at,
        pools=rows,
        workload_ids=ids,
        price_version=versions,
        carbon_basis=basis,
        stamp=stamp,
    )


def offered_pools(at: datetime, starts_at: datetime) -> dict[str, MarketPool]:
    """Listed, priced pools by key, in order. Only those whose owning platform can dispatch, and
    only where a grid factor is published: elsewhere their carbon could not be counted."""
    dispatchable = set(
        Listing.objects.filter(owner=True, platform__can_dispatch=True)
        .exclude(platform__connector="")
        .values_list("pool_id", flat=True)
    )
    return {
        str(row.pool_id): row
        for row in market_pools(at=at, starts_at=starts_at, hours=HORIZON_HOURS)
        if row.pool_id in dispatchable and row.grid_kg_per_kwh is not None
    }


def taken_units(rows: Mapping[str, MarketPool], starts_at: datetime) -> dict[str, NDArray[Any]]:
    """Units taken or on offer by pool and hour, for the pools that have any."""
    ids = np.array([row.pool_id for row in rows.values()], np.int64)
    begin = int(starts_at.timestamp())
    with connection.cursor() as cursor:
        query = TAKEN.format(begin=begin, end=begin + HORIZON_HOURS * 3600)
        found = copy_out(cursor, query, {"pool_id": "i", "hour": "i", "units": "i"})
    order = np.argsort(ids, kind="stable")
    place = np.clip(np.searchsorted(ids[order], found["pool_id"]), 0, max(0, len(ids) - 1))
    if not len(ids):
        return {}
    known = ids[order][place] == found["pool_id"]
    matrix = np.zeros((len(ids), HORIZON_HOURS), np.int64)
    matrix[order[place[known]], found["hour"][known]] = found["units"][known]
    return {key: matrix[k] for k, key in enumerate(rows) if matrix[k].any()}


def price_versions(
    rows: Mapping[str, MarketPool], starts_at: datetime
) -> dict[str, NDArray[np.int64]]:
    """The price version of every pool and hour; 0 where none holds."""
    versions = {key: np.zeros(HORIZON_HOURS, np.int64) for key in rows}
    ends_at = starts_at + HORIZON_HOURS * HOUR
    found = PriceVersion.objects.filter(
        offer__state="listed", valid__overlap=(starts_at, ends_at)
    ).values_list("offer__pool_id", "pk", "valid")
    for pool_id, version, valid in found:
        hours = versions.get(str(pool_id))
        if hours is not None:
            first = max(0, -((starts_at - valid.lower) // HOUR))
            last = HORIZON_HOURS if valid.upper is None else -((starts_at - valid.upper) // HOUR)
            hours[first : max(first, last)] = version
    return versions


def pull_carbon(
    rows: Mapping[str, MarketPool], starts_at: datetime
) -> tuple[CarbonSeries, dict[str, str]]:
    """By province: hourly signals where they cover the whole horizon, else the published mean."""
    figures: dict[str, Any] = {}
    quality: dict[str, Any] = {}
    basis: dict[str, str] = {}
    for row in rows.values():
        province = row.adcode[:2] + "0000"
        if province not in figures:
            figures[province] = float(row.grid_kg_per_kwh or 0)
            quality[province], basis[province] = "flat", row.grid_factor_basis
    hours: dict[str, dict[int, tuple[float, str, str]]] = {}
    signals = CarbonSignal.objects.filter(
        adcode__in=list(figures),
        starts_at__gte=starts_at,
        starts_at__lt=starts_at + HORIZON_HOURS * HOUR,
    ).values_list("adcode", "starts_at", "kg_per_kwh", "quality", "source")
    for adcode, hour, kg, how, source in signals:
        hours.setdefault(adcode, {})[(hour - starts_at) // HOUR] = (float(kg), how, source)
    for adcode, by_hour in hours.items():
        if len(by_hour) == HORIZON_HOURS:
            figures[adcode] = [by_hour[hour][0] for hour in range(HORIZON_HOURS)]
            all_measured = all(each[1] == "measured" for each in by_hour.values())
            quality[adcode] = "measured" if all_measured else "calibrated"
            basis[adcode] = by_hour[0][2]
    return CarbonSeries(figures, quality), basis


def pool_of(row: MarketPool, occupied: NDArray[Any] | None) -> Pool:
    """One pool as the matcher sees it."""
    return Pool(
        pool_id=str(row.pool_id),
        kind=row.kind,
        region=row.adcode,
        units=row.units,
        price_fen_per_unit_hour=row.price_fen_per_unit_hour,
        kw_per_unit=float(row.kw_per_unit),
        pue=float(row.pue if row.pue is not None else PUE_LIMIT),
        green_tier=row.green_tier,
        green_share=float(row.green_share or 0),
        available=row.available,
        occupied=occupied,
    )


def supply_stamp() -> tuple[Any, ...]:
    """Changes whenever a price, an offer, a calendar or a closure does, or hours are given back."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (SELECT COALESCE(MAX(id), 0) FROM providers_priceversion),"
            " (SELECT COUNT(*) FROM providers_priceversion WHERE UPPER(valid) IS NULL),"
            " (SELECT COALESCE(SUM(id), 0)::bigint FROM providers_offer WHERE state = 'listed'),"
            " (SELECT COALESCE(SUM(id), 0)::bigint FROM providers_pool WHERE state = 'active'),"
            " (SELECT COUNT(*) FROM providers_poolwindow),"
            " (SELECT COALESCE(MAX(id), 0) FROM providers_poolwindow),"
            " (SELECT COALESCE(SUM(id), 0)::bigint FROM providers_closure"
            " WHERE lifted_at IS NULL),"
            " (SELECT last_value + is_called::int FROM scheduling_capacity_freed)"
        )
        return tuple(cursor.fetchone())
