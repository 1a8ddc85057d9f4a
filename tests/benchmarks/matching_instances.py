"""Markets to measure on: the generator of ../shared/design/matching.md section 5, seeds fixed.

Pools: lognormal sizes, 12 kinds, 31 provinces (supply west-heavy, demand east-heavy), 20 % with a
calendar, 30 % with solar green hours. Jobs: durations of the PAI-2020 trace where it is at hand
(else a lognormal of the same mean), gangs 1..64, 45 % any region / 30 % hub / 25 % own province,
35 % with a green minimum, 40 % with a voucher of 20/30/50 %, slack 0..96 h. All sample data.
"""

from __future__ import annotations

import csv
import gzip
from pathlib import Path

import numpy as np

from scheduling.matching.columns import JobColumns
from scheduling.matching.market import CarbonSeries, Market, Pool

ROOT = Path(__file__).resolve().parents[2]
# ../shared/data beside the repository, or beside the folder that holds its work trees
DATA = next(
    (found for up in ROOT.parents if (found := up / "shared" / "data").exists()),
    ROOT.parent / "shared" / "data",
)
PROVINCES = [
    11, 12, 13, 14, 15, 21, 22, 23, 31, 32, 33, 34, 35, 36, 37, 41, 42, 43, 44, 45, 46, 50, 51,
    52, 53, 54, 61, 62, 63, 64, 65,
]  # fmt: skip
WEST = {15, 50, 51, 52, 53, 54, 61, 62, 63, 64, 65, 13}
HUBS = [13, 15, 31, 32, 33, 44, 51, 50, 52, 62, 64]
# as the emission factor table spells the provinces
CODES = "BJTJHESXNMLNJLHLSHJSZJAHFJJXSDHAHBHNGDGXHICQSCGZYNXZSNGSQHNXXJ"
LETTERS = {province: CODES[2 * k : 2 * k + 2] for k, province in enumerate(PROVINCES)}
SIZES = (1, 2, 4, 8, 16, 32, 64)
ODDS = (0.60, 0.10, 0.10, 0.12, 0.045, 0.022, 0.013)
TIGHT_ODDS = (0.60, 0.12, 0.08, 0.14, 0.04, 0.015, 0.005)
HOURS = 168


def pai_durations() -> np.ndarray | None:
    """Hours of the PAI-2020 sample, or None when the trace is not at hand."""
    path = DATA / "traces" / "alibaba_pai2020_jobs100k.csv.gz"
    if not path.exists():
        return None
    with gzip.open(path, "rt") as stream:
        return np.array([float(row["length_h"]) for row in csv.DictReader(stream)])


def province_factors() -> dict[int, float]:
    """Official 2022 factors by province where at hand; the nation's mean (0.5366) elsewhere."""
    path = DATA / "traces" / "china_grid_emission_factor_2021_2022.csv"
    found = dict.fromkeys(PROVINCES, 0.5366)
    if path.exists():
        with path.open() as stream:
            known = {
                row["code"]: float(row["kgco2_per_kwh_2022"]) for row in csv.DictReader(stream)
            }
        found.update({p: known[name] for p, name in LETTERS.items() if name in known})
    return found


def make_carbon(rng: np.random.Generator) -> CarbonSeries:
    """Provincial mean x a daily solar-shaped dip: calibrated, not measured."""
    hour = np.arange(HOURS) % 24
    sun = np.clip(np.sin((hour - 6) / 12 * np.pi), 0, None)
    series = {}
    for code, mean in province_factors().items():
        depth = rng.uniform(0.1, 0.45)
        shape = 1 - depth * sun
        series[f"{code}0000"] = mean * shape / shape.mean()
    return CarbonSeries(series, dict.fromkeys(series, "calibrated"))


# zones whose hours are measured (not estimated), with hours ahead of UTC
ZONES = {
    "AU-NSW": 10, "AU-VIC": 10, "BR-SP": -3, "CA-ON": -5, "CL-SIC": -4, "DE-LU": 1, "GB": 0,
    "KR": 9, "US-CAL-CISO": -8, "US-MIDA-PJM": -5, "US-NY-NYIS": -5, "US-TEX-ERCO": -6, "ZA": 2,
}  # fmt: skip


def real_shapes(week: int) -> CarbonSeries | None:
    """Official provincial means x the measured hourly shape of another zone in that week of 2024,
    at its own local hour, dealt to the provinces in order: calibrated, a scenario."""
    path = DATA / "traces" / "electricitymaps_16zones_2024_hourly.csv.gz"
    if not path.exists():
        return None
    with gzip.open(path, "rt") as stream:
        rows = list(csv.DictReader(stream))
    series = {}
    for k, (code, mean) in enumerate(province_factors().items()):
        zone = list(ZONES)[k % len(ZONES)]
        first = week * HOURS - ZONES[zone]
        shape = np.array([float(r[f"{zone}_gco2_kwh"]) for r in rows[first : first + HOURS]])
        series[f"{code}0000"] = mean * shape / shape.mean()
    return CarbonSeries(series, dict.fromkeys(series, "calibrated"))


def make_market(
    n_jobs: int, n_pools: int, load: float, seed: int, gangs: int = 64, *, tight: bool = False
) -> Market:
    """A market whose demanded unit-hours are ``load`` x its capacity (pool sizes scaled to fit).

    ``tight`` is the design note's market as far as its text tells it: durations as in the trace
    (mean 2.9 h), 69 % of the unit-hours in gangs of 8 and more, mean pool size 48 at load 0.3 and
    14 at 1.0 (the note: 46 and 14), every voucher in its own province only, supply spread evenly
    over the kinds while demand is not. What the note does not say, above all how far price limits
    spread, is as in the plain market.
    """
    rng = np.random.default_rng(seed)
    kinds = [f"K{k:02d}" for k in range(12)]
    popularity = 1 / np.arange(1, 13) ** 0.7
    popularity /= popularity.sum()
    east = np.array([0.5 if p in WEST else 2.0 for p in PROVINCES])
    west = np.array([2.0 if p in WEST else 0.7 for p in PROVINCES])
    lengths = pai_durations()
    if lengths is None:
        lengths = rng.lognormal(0.3, 1.1, 100_000)
    shorter = 1.0 if tight else 0.93
    duration = np.clip(np.ceil(rng.choice(lengths, n_jobs) * shorter), 1, 120).astype(np.int64)
    sizes = np.array(SIZES)
    odds = np.array(TIGHT_ODDS if tight else ODDS)
    odds = np.where(sizes <= gangs, odds, 0)
    units = rng.choice(sizes, n_jobs, p=odds / odds.sum())
    slack = rng.choice([0, 2, 6, 12, 24, 48, 96], n_jobs, p=[0.1, 0.1, 0.2, 0.2, 0.2, 0.1, 0.1])
    earliest = rng.integers(0, np.maximum(1, HOURS - duration + 1))
    deadline = np.minimum(HOURS, earliest + duration + slack)
    demand = float((units * duration).sum())

    kind_of = rng.choice(12, n_pools, p=None if tight else popularity)
    where = rng.choice(len(PROVINCES), n_pools, p=west / west.sum())
    raw = rng.lognormal(0, 1.2, n_pools)
    open_share = np.ones(n_pools)
    calendar = rng.random(n_pools) < 0.2
    open_share[calendar] = 0.5
    factor = demand / load / HOURS / float((raw * open_share).sum())
    pool_units = np.maximum(1, np.rint(raw * factor)).astype(int)
    base = rng.uniform(300, 1500, 12)
    factors = province_factors()
    carbon = make_carbon(rng)
    solar = rng.random(n_pools) < 0.3
    hour = np.arange(HOURS) % 24
    sun = np.clip(np.sin((hour - 6) / 12 * np.pi), 0, None)
    pools = []
    for i in range(n_pools):
        province = PROVINCES[where[i]]
        cheap = 0.8 if province in WEST else 1.1
        price = int(base[kind_of[i]] * cheap * rng.lognormal(0, 0.15))
        windows = None
        if calendar[i]:
            begin = int(rng.integers(0, 24))
            windows = tuple(
                (day * 24 + begin, min(HOURS, day * 24 + begin + 12)) for day in range(7)
            )
            windows = tuple(w for w in windows if w[0] < w[1])
        pools.append(
            Pool(
                f"P{i:05d}", kinds[kind_of[i]], f"{province}0000", int(pool_units[i]), price,
                float(rng.uniform(0.4, 1.0)), float(rng.uniform(1.1, 1.5)),
                green_tier=int(rng.integers(0, 4)) or None,
                green_share=tuple(rng.uniform(0.3, 0.9) * sun) if solar[i] else 0.0,
                available=windows,
            )
        )  # fmt: skip
    del factors
    job_kind = rng.choice(12, n_jobs, p=popularity)
    pairs = rng.random(n_jobs) < 0.25
    kind_sets = [frozenset([k]) for k in kinds]
    kind_sets += [frozenset([kinds[k], kinds[(k + 1) % 12]]) for k in range(12)]
    kinds_index = np.where(pairs, job_kind + 12, job_kind).astype(np.int32)
    home = rng.choice(len(PROVINCES), n_jobs, p=east / east.sum())
    region_sets: list[frozenset[str]] = [frozenset(), frozenset(f"{h}0000" for h in HUBS)]
    region_sets += [frozenset([f"{p}0000"]) for p in PROVINCES]
    reach = rng.choice(3, n_jobs, p=[0.45, 0.30, 0.25])
    regions = np.where(reach == 2, home + 2, reach).astype(np.int32)
    voucher = rng.random(n_jobs) < 0.4
    rate = np.where(voucher, rng.choice([2000, 3000, 5000], n_jobs), 0)
    local = (rng.random(n_jobs) < 0.5) | tight
    voucher_regions = np.where(local, home + 2, 0).astype(np.int32)
    limit = base[job_kind] * 0.95 * rng.lognormal(0.45, 0.35, n_jobs)
    tier = np.where(rng.random(n_jobs) < 0.35, rng.integers(1, 4, n_jobs), 0)
    jobs = JobColumns(
        job_ids=np.arange(n_jobs).astype("U7"),
        units=units.astype(np.int64), duration_hours=duration, earliest_hour=earliest,
        deadline_hour=deadline, max_price_fen_per_unit_hour=limit.astype(np.int64),
        kinds=kinds_index, regions=regions, min_green_tier=tier.astype(np.int32),
        max_pue=np.full(n_jobs, np.inf), voucher_rate_e4=rate.astype(np.int64),
        voucher_regions=voucher_regions, voucher_cap_fen=np.full(n_jobs, -1, np.int64),
        voucher_pot=np.full(n_jobs, -1, np.int32), interruptible=np.zeros(n_jobs, np.bool_),
        labels=np.zeros(n_jobs, np.int32), group=np.zeros(n_jobs, np.int32),
        kind_sets=kind_sets, region_sets=region_sets,
    )  # fmt: skip
    return Market(pools, jobs, carbon)
