"""Forecast carbon: past series by region -> the series a plan is made on, with its error."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from .choices import hourly
from .forecast import Forecaster
from .market import CarbonSeries, Market, Quality
from .result import Plan


def forecast_carbon(
    past: Mapping[str, NDArray[np.float64]],
    forecaster: Forecaster,
    hours: int,
    quality: Mapping[str, Quality] | None = None,
) -> CarbonSeries:
    """``past`` region -> hourly kg per kWh up to now; quality is that of the past series."""
    told = {region: forecaster(series, hours) for region, series in past.items()}
    return CarbonSeries(
        {region: forecast.mean for region, forecast in told.items()},
        dict(quality or {}),
        {region: forecast.error for region, forecast in told.items()},
    )


def carbon_error_kg(market: Market, result: Plan) -> float | None:
    """kg by which the plan's carbon would be off if every hour erred by its root mean square error
    the same way: the cautious figure. None where a pool used has no known error."""
    if market.carbon is None:
        return None
    columns, total = result.columns, 0.0
    for j in np.flatnonzero(columns.pool_of >= 0):
        pool = market.pools[int(columns.pool_of[j])]
        error = _error_of(market.carbon, pool.region)
        if error is None:
            return None
        _, kg = hourly(market, pool, result.hours)
        grid = _grid_of(market.carbon, pool.region, result.hours)
        for a, b in columns.segments(int(j)):
            # kWh drawn from the grid in an hour = kg / (kg per kWh)
            drawn = np.divide(kg[a:b], grid[a:b], out=np.zeros(b - a), where=grid[a:b] > 0)
            hours_run = int(columns.duration[j])
            kwh_one = float(columns.kwh[j]) / (pool.kw_per_unit * pool.pue * hours_run or 1.0)
            total += kwh_one * float((drawn * error[a:b]).sum())
    return total


def _chain(region: str) -> tuple[str, ...]:
    coded = len(region) == 6 and region.isdigit()
    return (region, region[:4] + "00", region[:2] + "0000") if coded else (region,)


def _error_of(carbon: CarbonSeries, region: str) -> NDArray[np.float64] | None:
    return next(
        (carbon.error_kg_per_kwh[c] for c in _chain(region) if c in carbon.error_kg_per_kwh), None
    )


def _grid_of(carbon: CarbonSeries, region: str, hours: int) -> NDArray[np.float64]:
    key = next(c for c in _chain(region) if c in carbon.kg_per_kwh)
    return np.broadcast_to(np.asarray(carbon.kg_per_kwh[key], np.float64), (hours,))
