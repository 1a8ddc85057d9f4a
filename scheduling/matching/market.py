"""What goes in: pools, jobs, carbon. Plain frozen records, no framework.

A region is a GB/T 2260 code of six digits (``130730``) or any other token. A job's region code
accepts a pool in that very region or, for a code that ends in ``0000`` (province) or ``00``
(prefecture), in any part of it: ``130000`` accepts a pool in ``130730``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from .columns import JobColumns

Quality = Literal["measured", "calibrated", "flat"]


@dataclass(frozen=True, slots=True)
class Pool:
    """Like capacity in one place.

    units                    whole units (cards, nodes) the pool has
    price_fen_per_unit_hour  whole fen, one figure or one per hour of the horizon
    kw_per_unit              IT power of one busy unit, kW
    pue                      facility energy / IT energy, >= 1
    green_tier               1.. (higher is greener); None = unrated, which meets no minimum
    green_share              share 0..1 of its power that is direct green power, one or one per hour
    available                half-open (from_hour, to_hour) windows; None = always, () = never
    occupied                 units already promised per hour (live state), None = none
    labels                   residency, latency, interconnect marks a job may ask for
    """

    pool_id: str
    kind: str
    region: str
    units: int
    price_fen_per_unit_hour: int | Sequence[int] | NDArray[np.int64]
    kw_per_unit: float
    pue: float
    green_tier: int | None = None
    green_share: float | Sequence[float] | NDArray[np.float64] = 0.0
    available: Sequence[tuple[int, int]] | None = None
    occupied: Sequence[int] | NDArray[np.int64] | None = None
    labels: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Job:
    """What is wanted. All ``units`` run in one pool, at once, for ``duration_hours`` whole hours.

    kinds, regions           any of these; empty = any
    earliest_hour            first hour it may run
    deadline_hour            the hour by which it must have ended
    min_green_tier           None = no minimum (an unrated pool will do)
    max_pue                  None = no limit
    max_price_fen_per_unit_hour  payer gives at most, after the voucher, mean over hours
    voucher_rate             share 0 <= rate < 1 of the price the voucher pays (four decimals kept)
    voucher_regions          where the voucher holds; empty = everywhere
    voucher_cap_fen          the most the voucher pays for this job; None = no cap
    voucher_pot              name of a budget in ``Market.voucher_pots_fen`` it draws on, or None
    interruptible            may be suspended and resumed (several segments, same pool)
    labels                   every one must be among the pool's labels
    group                    fairness group (SME, province, university ...), "" = none
    """

    job_id: str
    units: int
    duration_hours: int
    earliest_hour: int
    deadline_hour: int
    max_price_fen_per_unit_hour: int
    kinds: frozenset[str] = frozenset()
    regions: frozenset[str] = frozenset()
    min_green_tier: int | None = None
    max_pue: float | None = None
    voucher_rate: float = 0.0
    voucher_regions: frozenset[str] = frozenset()
    voucher_cap_fen: int | None = None
    voucher_pot: str | None = None
    interruptible: bool = False
    labels: frozenset[str] = frozenset()
    group: str = ""


@dataclass(frozen=True)
class CarbonSeries:
    """Grid carbon intensity by region and hour.

    kg_per_kwh   region -> one figure (flat) or one per hour of the horizon; a pool takes its own
                 region's series, else its prefecture's, else its province's
    quality      region -> measured | calibrated | flat; missing = flat
    error_kg_per_kwh  region -> the forecast's root mean square error by hour; missing = not known
    """

    kg_per_kwh: Mapping[str, float | Sequence[float] | NDArray[np.float64]]
    quality: Mapping[str, Quality] = field(default_factory=dict)
    error_kg_per_kwh: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)


@dataclass(frozen=True)
class Market:
    """One planning problem.

    carbon            None = not known: every kgco2 is None; then the carbon price must be 0
    voucher_pots_fen  pot name -> fen left in it; never overdrawn by a plan
    fairness_floors   group -> least share 0..1 of its asked unit-hours that should be served
    """

    pools: Sequence[Pool]
    jobs: Sequence[Job] | JobColumns
    carbon: CarbonSeries | None = None
    voucher_pots_fen: Mapping[str, int] = field(default_factory=dict)
    fairness_floors: Mapping[str, float] = field(default_factory=dict)
