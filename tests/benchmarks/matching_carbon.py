"""Carbon figures: what shifting in time and space saves, and what a forecast keeps of it.

shifting   60,000 jobs on 1,500 pools, load 0.15; jobs served in all four runs; the baseline runs at
           home, at once, in its greenest free pool. Series: official provincial means with the
           measured hourly shape of other zones: calibrated, a scenario and no measurement.
regret     6 h jobs with 24 h slack, one an hour, DE and GB 2024 (measured): start by forecast
           against start by the real series. Forecasts: yesterday's hour (persistence) and a
           seasonal ridge fitted on 2021 and 2022 only (scheduling/matching/forecast.py).
"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from scheduling.matching import Market
from scheduling.matching.cells import lay_out
from scheduling.matching.columns import JobColumns
from scheduling.matching.encode import encode
from scheduling.matching.forecast import Persistence, SeasonalRidge
from scheduling.matching.place import improve_jobs, place_jobs
from scheduling.matching.search import Live
from scheduling.matching.solve import measures

from .matching_instances import DATA, PROVINCES, WEST, make_market, real_shapes

MUST = {"time": 12, "region": 40, "both": 50}
AIM = {"time": 20, "region": 45, "both": 55}


def _greenest(market: Market, *, shift: bool) -> tuple[np.ndarray, np.ndarray]:
    """kg of every job placed by carbon alone in arrival order, NaN where it found no place."""
    inst = encode(market, carbon_price_fen_per_kg=1.0, hours=168)
    inst.cost = inst.kg * 1000 + 1e-3
    inst.value[:] = inst.value_voucher[:] = 1e9
    layout = lay_out(inst)
    if not shift:
        layout.wants.last[:] = np.minimum(layout.wants.last, layout.wants.first)
    _, true = measures(inst, layout, layout.floor, 1e15)
    zero = np.zeros((len(inst.price), 1), np.int64)
    live = Live(
        inst.free.copy(), true.pool, np.concatenate([zero, np.cumsum(inst.price, axis=1)], axis=1),
        inst.pot[layout.order], inst.rate[layout.order], inst.cap[layout.order],
        inst.pot_fen.copy(), np.zeros((0, 168), np.bool_),
    )  # fmt: skip
    n = inst.n
    pool, start = np.full(n, -1, np.int32), np.zeros(n, np.int32)
    way, held = np.zeros(n, np.int8), np.zeros(n, np.int64)
    none = np.full(n, -1, np.int32), np.zeros(n, np.int32), np.zeros(n, np.int8)
    order = np.argsort(layout.wants.first, kind="stable")
    part = np.zeros(layout.cells, np.int64)
    place_jobs(order, 0, n, layout.wants, layout.where, true, live, part, -1, *none,
               pool, start, way, held)  # fmt: skip
    if shift or len(np.unique(inst.site_set)) == 1:
        improve_jobs(order, 0, n, layout.wants, layout.where, true, live, part, -1,
                     pool, start, way, held, np.full(n, np.inf))  # fmt: skip
    prefix = np.concatenate([np.zeros((len(inst.kg), 1)), np.cumsum(inst.kg, axis=1)], axis=1)
    on = pool >= 0
    kg = np.full(n, np.nan)
    end = start + layout.wants.duration
    kg[on] = layout.wants.units[on] * (prefix[pool[on], end[on]] - prefix[pool[on], start[on]])
    out, delay = np.full(n, np.nan), np.zeros(n)
    out[layout.order] = kg
    delay[layout.order] = start - layout.wants.first
    return out, delay


def shifting(emit: Callable[..., None], skip: Callable[..., None]) -> None:
    if not (DATA / "traces" / "china_grid_emission_factor_2021_2022.csv").exists():
        return skip("carbon at equal served set", "provincial factors are not in ../shared/data")
    made = make_market(60_000, 1500, 0.15, 20)
    assert isinstance(made.jobs, JobColumns)
    rng = np.random.default_rng(21)
    east = np.array([0.5 if p in WEST else 2.0 for p in PROVINCES])
    home = rng.choice(len(PROVINCES), 60_000, p=east / east.sum()).astype(np.int32) + 2
    plain: dict[str, Any] = {
        "min_green_tier": np.zeros(60_000, np.int32),
        "voucher_rate_e4": np.zeros(60_000, np.int64),
    }
    long = replace(
        made.jobs,
        deadline_hour=np.minimum(168, made.jobs.earliest_hour + made.jobs.duration_hours + 24),
    )
    for week, name, jobs in (
        (20, "week 20, slack mixed", made.jobs),
        (46, "week 46, slack mixed", made.jobs),
        (20, "week 20, slack 24 h", long),
    ):
        carbon = real_shapes(week)
        if carbon is None:
            return skip("carbon at equal served set", "hourly shapes are not in ../shared/data")
        market = replace(made, carbon=carbon, jobs=jobs)
        at_home = replace(market, jobs=replace(jobs, regions=home, **plain))
        anywhere = replace(market, jobs=replace(jobs, regions=np.zeros_like(home), **plain))
        base, _ = _greenest(at_home, shift=False)
        runs = {
            "time": _greenest(at_home, shift=True),
            "region": _greenest(anywhere, shift=False),
            "both": _greenest(anywhere, shift=True),
        }
        same = ~np.isnan(base)
        for kg, _ in runs.values():
            same &= ~np.isnan(kg)
        for free, (kg, delay) in runs.items():
            emit(
                f"carbon saved at equal served set, {free}, {name}",
                round(100 * (1 - kg[same].sum() / base[same].sum()), 1), "%", quality="calibrated",
                must=MUST[free], aim=AIM[free], served_in_all=round(float(same.mean()), 4),
                mean_delay_h=round(float(delay[same].mean()), 1),
            )  # fmt: skip
    return None


def history(year: int, zone: str) -> np.ndarray | None:
    path = DATA / "carbon" / f"em16_hourly_{year}.csv.gz"
    if not path.exists():
        return None
    with gzip.open(path, "rt") as stream:
        return np.array([float(r[f"{zone}_direct"]) for r in csv.DictReader(stream)])


def regret(emit: Callable[..., None], skip: Callable[..., None]) -> None:
    length, slack = 6, 24
    for zone, must, aim in (("DE-LU", 75, 85), ("GB", 60, 75)):
        years = [history(year, zone) for year in (2021, 2022, 2024)]
        if any(year is None for year in years):
            return skip("forecast regret", "em16_hourly_*.csv.gz are not in ../shared/data/carbon")
        series = years[2]
        assert series is not None
        total = np.concatenate([[0.0], np.cumsum(series)])
        runs = total[length:] - total[:-length]
        ridge = SeasonalRidge(length + slack).fit(np.concatenate(years[:2]))  # type: ignore[arg-type]
        for method in (Persistence(), ridge):
            saved = dict.fromkeys(("oracle", "forecast", "wait", "base", "miss"), 0.0)
            hours = range(24 * 15, len(series) - slack - length)
            for now in hours:  # both years of history are whole days: the hour of the day is kept
                told = (
                    ridge.at(series[:now], slack + length, now)
                    if method is ridge
                    else method(series[:now], slack + length)
                )
                pick = int(np.argmin(np.convolve(told.mean, np.ones(length), "valid")))
                saved["base"] += runs[now]
                saved["oracle"] += runs[now] - runs[now : now + slack + 1].min()
                saved["forecast"] += runs[now] - runs[now + pick]
                saved["wait"] += pick
                saved["miss"] += float(
                    np.abs(told.mean - series[now : now + slack + length]).mean()
                )
            value = round(100 * saved["forecast"] / saved["oracle"], 1)
            judged = {"must": must, "aim": aim} if method is ridge else {}
            if judged:
                judged["met"] = "aim" if value >= aim else "must" if value >= must else "missed"
            emit(
                f"share of the oracle's saving captured, {zone} 2024, {method.name}", value, "%",
                **judged, quality="measured",
                oracle_saving_pct=round(100 * saved["oracle"] / saved["base"], 1),
                forecast_saving_pct=round(100 * saved["forecast"] / saved["base"], 1),
                mean_wait_h=round(saved["wait"] / len(hours), 1),
                mean_error_g_per_kwh=round(saved["miss"] / len(hours), 1),
            )  # fmt: skip
    return None
