"""One week of a market as a run saw it: capacity, load, prices, scarcity and carbon by hour.

Read from the run's archive. Pools are added up by province and accelerator, so that no provider's
price is told to another.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from scheduling.check_plan import free_units, hourly_prices, units_used
from scheduling.matching.choices import hourly
from scheduling.models import MatchRun
from scheduling.read_archive import Archived, archived

Series = NDArray[np.float64]


@dataclass(frozen=True)
class WeekRow:
    """Like pools of one province: units by hour; fen per unit-hour, weighted by units.

    `shadow_fen` is what one more unit in that hour would have been worth to the plan; NaN where
    nothing is open.
    """

    adcode: str
    kind: str
    pools: int
    capacity: Series
    before: Series
    planned: Series
    price_fen: Series
    shadow_fen: Series

    @property
    def load(self) -> Series:
        """Share of the open units promised; NaN where nothing is open."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(self.capacity > 0, (self.before + self.planned) / self.capacity, np.nan)


@dataclass(frozen=True)
class Signal:
    """Grid carbon of one province by hour, kg CO₂ per kWh, and how it is known."""

    adcode: str
    quality: str
    basis: str
    kg_per_kwh: Series


@dataclass(frozen=True)
class Week:
    """`hours` hours from `starts_at`."""

    run: MatchRun
    starts_at: datetime
    hours: int
    rows: list[WeekRow]
    signals: list[Signal]


def newest_week() -> MatchRun | None:
    """The newest run that has a week to show."""
    done = MatchRun.objects.filter(state="done", archive__isnull=False).exclude(kind="incremental")
    return done.defer("inputs").order_by("-pk").first()


def week_of(run: MatchRun) -> Week:
    """The week `run` planned. Raises MatchArchive.DoesNotExist."""
    found, hours = archived(run.pk), run.hours
    market, plan = found.market, found.plan
    used = units_used(market, plan, hours).astype(np.float64)
    free = free_units(market, hours).astype(np.float64)
    price = hourly_prices(market, hours).astype(np.float64)
    shadow = shadow_prices(found, hours)
    members: dict[tuple[str, str], list[int]] = defaultdict(list)
    for number, pool in enumerate(market.pools):
        members[pool.region[:2] + "0000", pool.kind].append(number)
    rows = []
    for (adcode, kind), which in sorted(members.items()):
        before = np.zeros(hours)
        for number in which:
            held = market.pools[number].occupied
            if held is not None:
                before += np.asarray(held)[:hours]
        rows.append(
            WeekRow(
                adcode,
                kind,
                len(which),
                free[which].sum(axis=0) + before,
                before,
                used[which].sum(axis=0),
                _mean(price[which], free[which] + used[which]),
                _mean(shadow[which], free[which]),
            )
        )
    return Week(run, run.horizon_starts_at, hours, rows, _signals(run, found, hours))


def shadow_prices(found: Archived, hours: int) -> Series:
    """[pools, hours] fen per unit-hour: the scarcity price of each pool beyond its own cost."""
    proof, market, plan = found.plan.certificate, found.market, found.plan
    row = {pool_id: number for number, pool_id in enumerate(proof.pool_ids)}
    shadow = np.zeros((len(market.pools), hours))
    for number, pool in enumerate(market.pools):
        price, kg = hourly(market, pool, hours)
        cost = price + plan.carbon_price_fen_per_kg * kg
        cell = proof.cell_of_pool[row[pool.pool_id]]
        shadow[number] = np.maximum(0.0, proof.cell_prices[cell, :hours] - cost)
    return shadow


def _mean(figures: Series, weights: Series) -> Series:
    """Weighted by open units; NaN in hours in which none is open."""
    total = weights.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(total > 0, (figures * weights).sum(axis=0) / total, np.nan)


def _signals(run: MatchRun, found: Archived, hours: int) -> list[Signal]:
    carbon = found.market.carbon
    if carbon is None:
        return []
    basis = (run.inputs or {}).get("carbon", {})
    return [
        Signal(
            adcode,
            carbon.quality.get(adcode, "flat"),
            str(basis.get(adcode, {}).get("basis", "")),
            np.broadcast_to(np.asarray(series, np.float64), (hours,)),
        )
        for adcode, series in sorted(carbon.kg_per_kwh.items())
    ]
