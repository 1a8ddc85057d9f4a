"""From the database to the matcher's records, and back to instants."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from providers.queries import MarketPool, market_pools
from scheduling.matching import CarbonSeries, Job, Market, Pool
from scheduling.models import Listing, PoolHour, Workload

HOUR = timedelta(hours=1)
HORIZON_HOURS = 168
TIME_TO_ACCEPT = timedelta(minutes=30)

# What an unmetered facility is planned with: the limit no data centre in use may exceed
# (GB 40879-2021). It is marked as assumed wherever its energy is shown.
PUE_LIMIT = Decimal("1.5")


@dataclass(frozen=True)
class BuiltMarket:
    """A market whose hour 0 starts at `starts_at`, with the rows behind its pools and jobs."""

    market: Market
    starts_at: datetime
    pools: dict[str, MarketPool]
    workloads: dict[str, Workload]

    def instant(self, hour: int) -> datetime:
        """When `hour` of the horizon starts."""
        return self.starts_at + hour * HOUR

    def as_dict(self) -> dict[str, Any]:
        """The inputs as JSON, for replay."""
        return {
            "starts_at": self.starts_at.isoformat(),
            "pools": [_plain(pool) for pool in self.market.pools],
            "jobs": [_plain(job) for job in self.market.jobs],  # type: ignore[union-attr]
            "carbon": dict(self.market.carbon.kg_per_kwh) if self.market.carbon else None,
            "carbon_quality": dict(self.market.carbon.quality) if self.market.carbon else None,
            "voucher_pots_fen": dict(self.market.voucher_pots_fen),
        }


def horizon_start(at: datetime) -> datetime:
    """The first full hour that leaves people time to accept."""
    return (at + TIME_TO_ACCEPT).replace(minute=0, second=0, microsecond=0) + HOUR


def build_market(workloads: Sequence[Workload], *, at: datetime) -> BuiltMarket:
    """Everything the matcher needs, read in a fixed number of queries.

    Only pools whose owning platform can dispatch are offered, and only where a grid factor is
    published: elsewhere their carbon could not be counted.
    """
    starts_at = horizon_start(at)
    dispatchable = set(
        Listing.objects.filter(owner=True, platform__can_dispatch=True)
        .exclude(platform__connector="")
        .values_list("pool_id", flat=True)
    )
    rows = {
        str(row.pool_id): row
        for row in market_pools(at=at, starts_at=starts_at, hours=HORIZON_HOURS)
        if row.pool_id in dispatchable and row.grid_kg_per_kwh is not None
    }
    taken = _taken(starts_at)
    factors = {row.adcode[:2] + "0000": float(row.grid_kg_per_kwh or 0) for row in rows.values()}
    return BuiltMarket(
        market=Market(
            pools=[pool_of(row, taken.get(row.pool_id)) for row in rows.values()],
            jobs=[job_of(workload, starts_at) for workload in workloads],
            carbon=CarbonSeries(factors, dict.fromkeys(factors, "flat")),
            voucher_pots_fen=_pots(workloads),
        ),
        starts_at=starts_at,
        pools=rows,
        workloads={str(workload.pk): workload for workload in workloads},
    )


def pool_of(row: MarketPool, occupied: Sequence[int] | None) -> Pool:
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


def job_of(workload: Workload, starts_at: datetime) -> Job:
    """One workload as the matcher sees it; its window is clipped to the horizon's start."""
    terms = workload.voucher_terms or {}
    earliest = -((starts_at - workload.earliest_at) // HOUR)  # rounded up to a full hour
    return Job(
        job_id=str(workload.pk),
        units=workload.units,
        duration_hours=workload.duration_hours,
        earliest_hour=max(0, earliest),
        deadline_hour=(workload.deadline_at - starts_at) // HOUR,
        max_price_fen_per_unit_hour=workload.max_price_fen_per_unit_hour,
        kinds=frozenset(workload.kinds),
        regions=frozenset(workload.regions),
        min_green_tier=workload.min_green_tier,
        voucher_rate=float(terms.get("rate", 0)),
        voucher_regions=frozenset(terms.get("regions", ())),
        voucher_cap_fen=terms.get("cap_fen"),
        voucher_pot=str(terms["voucher_id"]) if terms else None,
        interruptible=workload.interruptible,
    )


def _pots(workloads: Sequence[Workload]) -> dict[str, int]:
    return {
        str(terms["voucher_id"]): int(terms["available_fen"])
        for terms in (workload.voucher_terms for workload in workloads)
        if terms
    }


def _taken(starts_at: datetime) -> dict[int, list[int]]:
    taken: dict[int, list[int]] = {}
    rows = PoolHour.objects.filter(
        starts_at__gte=starts_at, starts_at__lt=starts_at + HORIZON_HOURS * HOUR, taken__gt=0
    )
    for pool_id, hour, units in rows.values_list("pool_id", "starts_at", "taken"):
        taken.setdefault(pool_id, [0] * HORIZON_HOURS)[(hour - starts_at) // HOUR] = units
    return taken


def _plain(item: Any) -> dict[str, Any]:
    return {
        key: sorted(value) if isinstance(value, frozenset) else value
        for key, value in asdict(item).items()
    }
