"""What changed on the supply side while a plan was being made."""

from dataclasses import replace
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from scheduling.pull_market import PulledMarket, offered_pools, pool_of, supply_stamp


def changed_pools(pulled: PulledMarket, *, at: datetime) -> NDArray[np.bool_]:
    """[pools] True where price, calendar, size, power or state is no longer what was read.

    Placements there are left to be planned again; the others stand at the price versions they were
    read with. A cheap stamp is compared first, so that nothing is read again when nothing happened.
    """
    pools = pulled.market.pools
    changed = np.zeros(len(pools), np.bool_)
    if supply_stamp() == pulled.stamp:
        return changed
    rows = offered_pools(at, pulled.starts_at)
    for number, pool in enumerate(pools):
        row = rows.get(pool.pool_id)
        changed[number] = row is None or pool_of(row, None) != replace(pool, occupied=None)
    return changed
