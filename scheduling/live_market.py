"""The market between two plans: prices of the last plan on capacity as it stands now.

Kept in the worker's memory from one call to the next while nobody else planned and the supply side
stood still; read again otherwise. It only chooses: the database decides what fits.
"""

import time
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from scheduling.archive_plan import (
    decompress,
    pack_supply,
    pool_notes,
    unpack_plan,
)
from scheduling.matching import Certificate
from scheduling.matching.incremental import State, open_state
from scheduling.models import MatchArchive, MatchRun
from scheduling.pull_market import HORIZON_HOURS, HOUR, PulledMarket, pull_market, supply_stamp

KEPT_SECONDS = 60.0
PRICES_LAST = timedelta(hours=24)


@dataclass
class LiveMarket:
    """`state` is the matcher's; `pulled` the rows behind it, its pools' `occupied` being rows of
    `taken`, which is kept up to date; `supply` its pools as the archive keeps them; `token` the
    lease it was last used under."""

    state: State
    pulled: PulledMarket
    taken: NDArray[np.int64]
    supply: bytes
    prices: Certificate
    prices_of: int
    token: int
    opened: float


_KEPT: dict[str, LiveMarket] = {}


def newest_prices(market: str, at: datetime) -> MatchRun | None:
    """The newest whole plan of `market` whose prices still mean something."""
    return (
        MatchRun.objects.filter(
            market=market,
            state="done",
            kind__in=["batch", "shard"],
            finished_at__gt=at - PRICES_LAST,
            archive__isnull=False,
        )
        .order_by("-pk")
        .first()
    )


def live_market(
    run: MatchRun, prices_of: MatchRun, *, at: datetime, keep: bool = True
) -> LiveMarket:
    """The live market for `run`, which holds the lease; a kept one where it still holds."""
    kept = _KEPT.pop(run.market, None)
    if (
        keep
        and kept is not None
        and kept.prices_of == prices_of.pk
        and kept.token == run.token - 1  # nobody planned in between
        and kept.pulled.starts_at == run.horizon_starts_at
        and kept.pulled.stamp == supply_stamp()
        and time.monotonic() - kept.opened < KEPT_SECONDS
    ):
        kept.token = run.token
        return kept
    pulled = pull_market(at=at, most=0, starts_at=run.horizon_starts_at)
    pools = pulled.market.pools
    taken = np.zeros((len(pools), HORIZON_HOURS), np.int64)
    for number, pool in enumerate(pools):
        if pool.occupied is not None:
            taken[number] = pool.occupied
    market = replace(
        pulled.market,
        pools=[replace(pool, occupied=taken[number]) for number, pool in enumerate(pools)],
    )
    prices = prices_at(prices_of, run.horizon_starts_at)
    state = open_state(
        market,
        certificate=prices,
        carbon_price_fen_per_kg=run.carbon_price_fen_per_kg,
        hours=run.hours,
    )
    return LiveMarket(
        state,
        replace(pulled, market=market),
        taken,
        pack_supply(market, {"pool_notes": pool_notes(pulled.pools)}),
        prices,
        prices_of.pk,
        run.token,
        time.monotonic(),
    )


def keep_live(market: str, live: LiveMarket) -> None:
    """What was chosen was committed: the state in memory is the database's."""
    _KEPT[market] = live


def prices_at(run: MatchRun, starts_at: datetime) -> Certificate:
    """The run's certificate with its prices moved to the hours of a later horizon."""
    stored = MatchArchive.objects.values_list("plan", flat=True).get(run=run)
    proof = unpack_plan(decompress(stored), ()).certificate
    passed = max(0, min(run.hours, (starts_at - run.horizon_starts_at) // HOUR))
    prices = np.zeros_like(proof.cell_prices)
    prices[:, : run.hours - passed] = proof.cell_prices[:, passed:]
    return replace(proof, cell_prices=prices)
