#!/usr/bin/env python3
"""Re-verify a published matching plan from its files: feasibility, objective, upper bound.

    python verify_plan.py --pools P.csv --jobs J.csv [--carbon C.csv] [--hourly H.csv]
                          --placements placements.csv --certificate cert.json

Needs Python 3.11 and NumPy, nothing of the programme that made the plan. Exit 0 = all holds.
"""

import argparse
import csv
import json
import sys
from collections import namedtuple
from itertools import pairwise

import numpy as np

BREACHES: list[str] = []
say = BREACHES.append
YES = ("1", "true", "yes")


def read(path: str) -> list:
    """Rows as named tuples; equal texts are kept once, so that a million jobs fit."""
    with open(path, newline="", encoding="utf-8-sig") as stream:
        lines, kept = csv.reader(stream, skipinitialspace=True), {}
        row = namedtuple("row", next(lines), rename=True)  # type: ignore[misc]
        return [row._make([kept.setdefault(x, x) for x in line]) for line in lines if line]


def rate_e4(text: str) -> int:
    """A voucher rate in ten-thousandths, rounded down."""
    return int(float(text or 0) * 10_000 + 1e-6)


def within(code: str, region: str) -> bool:
    """GB/T 2260: a province (..0000) or prefecture (..00) code takes all its parts."""
    stem = code[:2] if code[2:] == "0000" else code[:4] if code[4:] == "00" else code
    coded = len(code) == len(region) == 6 and (code + region).isdigit()
    return code == region or (coded and region.startswith(stem))


class Pools:
    def __init__(self, args: argparse.Namespace, hours: int, carbon_price: float) -> None:
        rows, self.masks = read(args.pools), {}
        self.ids, self.kind = [r.pool_id for r in rows], [r.kind for r in rows]
        self.region = [r.region for r in rows]
        self.tier = np.array([int(r.green_tier or 0) for r in rows])
        self.free = np.zeros((len(rows), hours), np.int64)
        self.price = np.array([[int(r.price_fen_per_unit_hour)] * hours for r in rows], float)
        share = np.array([[float(r.green_share or 0)] * hours for r in rows])
        self.kwh = np.array([float(r.kw_per_unit) * float(r.pue) for r in rows])
        for k, r in enumerate(rows):
            self.free[k, int(r.available_from or 0):int(r.available_to or hours)] = int(r.units)
        self.row_of = {key: k for k, key in enumerate(self.ids)}
        for r in read(args.hourly) if args.hourly else []:
            at = self.row_of[r.pool_id], int(r.hour)
            if at[1] < hours:
                self.price[at] = int(r.price_fen_per_unit_hour or self.price[at])
                share[at] = float(r.green_share or share[at])
        grid: dict[str, np.ndarray] = {}
        for r in read(args.carbon) if args.carbon else []:
            grid.setdefault(r.region, np.zeros(10**4))[int(r.hour)] = float(r.kg_per_kwh)
        self.kg = np.zeros(share.shape)
        for k, region in enumerate(self.region if args.carbon else []):
            chain = (region, region[:4] + "00", region[:2] + "0000")
            series = next(grid[c] for c in chain if c in grid)[:hours]
            self.kg[k] = self.kwh[k] * series * (1 - share[k])
        self.cost = self.price + carbon_price * self.kg

    def mask(self, kinds: str, *places: str) -> np.ndarray:
        """Pools of these kinds in all these places (lists joined by |, empty = any)."""
        if (kinds, *places) not in self.masks:
            wanted = [[x.strip() for x in text.split("|") if x.strip()] for text in places]
            near = {r for r in set(self.region)
                    if all(not w or any(within(c, r) for c in w) for w in wanted)}
            these = {x.strip() for x in kinds.split("|") if x.strip()} or set(self.kind)
            self.masks[kinds, *places] = np.array(
                [k in these and r in near for k, r in zip(self.kind, self.region, strict=True)])
        return self.masks[kinds, *places]


def check(pools: Pools, jobs: list, path: str, price: float, known: bool) -> float:
    """Every rule for every placement; returns the objective."""
    by_id = {j.job_id: j for j in jobs}
    hours = pools.free.shape[1]
    _ = (len(by_id), len(pools.row_of)) == (len(jobs), len(pools.ids)) or say("an id appears twice")
    use = np.zeros_like(pools.free)
    paid, carbon = (np.pad(np.cumsum(x, axis=1), ((0, 0), (1, 0))) for x in (pools.price, pools.kg))
    objective, seen = 0.0, set()
    for p in read(path):
        name, k = p.job_id, pools.row_of[p.pool_id]
        j = by_id[name]
        _ = say(f"{name}: placed twice") if name in seen else seen.add(name)
        units, d = int(j.units), int(j.duration_hours)
        spans = [tuple(int(x) for x in s.split("-")) for s in p.segments.split("|")]
        apart = all(x[1] < y[0] for x, y in pairwise(spans)) and all(a < b for a, b in spans)
        if (sum(b - a for a, b in spans) != d or spans[0][0] < int(j.earliest_hour) or not apart
                or spans[-1][1] > min(hours, int(j.deadline_hour))
                or (len(spans) > 1 and j.interruptible.lower() not in YES)):
            say(f"{name}: wrong hours {p.segments}")
            continue
        if pools.tier[k] < int(j.min_green_tier or 0) or not pools.mask(j.kinds, j.regions)[k]:
            say(f"{name}: pool {p.pool_id} is of the wrong kind, region or rating")
        for a, b in spans:
            use[k, a:b] += units
        gross = units * round(sum(paid[k, b] - paid[k, a] for a, b in spans))
        kg = units * float(sum(carbon[k, b] - carbon[k, a] for a, b in spans))
        rate = rate_e4(j.voucher_rate) if pools.mask("", j.voucher_regions)[k] else 0
        voucher, limit = gross * rate // 10_000, int(j.max_price_fen_per_unit_hour)
        as_told = [int(p.price_fen), int(p.voucher_fen)] == [gross, voucher]
        _ = as_told or say(f"{name}: price {gross} or voucher {voucher} differs from the file")
        _ = gross - voucher <= limit * units * d or say(f"{name}: over its price limit")
        pairs = (float(p.kwh), units * d * pools.kwh[k]), (float(p.kgco2 or 0), kg)
        near = all(abs(told - true) <= 1e-5 + 1e-5 * abs(true) for told, true in pairs)
        _ = (near and bool(p.kgco2) == known) or say(f"{name}: wrong kWh or kgCO2")
        objective += units * d * limit / (1 - rate / 1e4) - gross - price * kg
    for k, hour in np.argwhere(use > pools.free)[:20]:
        say(f"pool {pools.ids[k]} is oversold at hour {hour}")
    return objective


def bound(pools: Pools, jobs: list, prices: np.ndarray) -> float:
    """sum free x shadow + sum_j max(0, best surplus): holds for any plan, whatever the prices."""
    hours = pools.free.shape[1]
    scarce = np.maximum(prices, pools.cost)
    total = float((pools.free * (scarce - pools.cost)).sum())
    names = "units duration_hours earliest_hour deadline_hour min_green_tier"
    units, d_of, first, ends, tier, limit = (np.array([int(getattr(j, x) or 0) for j in jobs])
        for x in (*names.split(), "max_price_fen_per_unit_hour"))
    last, best = np.minimum(ends, hours) - d_of, np.zeros(len(jobs))
    rate = np.array([rate_e4(j.voucher_rate) / 1e4 for j in jobs])
    stop = np.array([j.interruptible.lower() in YES for j in jobs])
    sizes, tiers = np.unique(units), np.unique(np.concatenate([[0], pools.tier, tier]))
    zone, rank = np.searchsorted(sizes, units), np.searchsorted(tiers, tier)
    size = np.searchsorted(sizes, pools.free.max(axis=1), side="right") - 1
    level = np.searchsorted(tiers, pools.tier) * len(sizes) + size
    shut = np.where(pools.free > 0, scarce, 1e10)
    sums = np.pad(np.cumsum(shut, axis=1), ((0, 0), (1, 0)))
    groups: dict[tuple, list[int]] = {}
    for k in np.flatnonzero(last >= first).tolist():
        j, d = jobs[k], -k - 1 if stop[k] else int(d_of[k])
        for voucher in [None, j.voucher_regions][: 1 + (rate[k] > 0)]:
            groups.setdefault((d, j.kinds, j.regions, voucher), []).append(k)
    for (d, kinds, regions, voucher), members in groups.items():
        who, mask = np.array(members), pools.mask(kinds, regions, voucher or "") & (size >= 0)
        able = np.flatnonzero(mask)
        value = limit[who] / (1 - rate[who]) if voucher is not None else limit[who]
        if d < 0:  # interruptible: its cheapest single hours in one pool
            k = members[0]
            span = slice(first[k], last[k] + d_of[k])
            for i in able[pools.tier[able] >= tier[k]]:
                costs = np.sort(scarce[i, span][pools.free[i, span] >= units[k]])
                gain = value[0] * d_of[k] - costs[: d_of[k]].sum()
                best[k] = max(best[k], units[k] * gain if len(costs) >= d_of[k] else 0)
            continue
        able = able[np.argsort(level[able])]
        here, cuts = np.unique(level[able], return_index=True)
        table = np.full((len(tiers), len(sizes), hours - d + 1), 1e30)
        if len(able):
            runs = sums[able, d:] - sums[able, :-d]
            table.reshape(-1, hours - d + 1)[here] = np.minimum.reduceat(runs, cuts)
        table = np.minimum.accumulate(table[::-1], axis=0)[::-1]
        table = np.minimum.accumulate(table[:, ::-1], axis=1)[:, ::-1]
        starts = np.arange(hours - d + 1)
        for part in np.array_split(np.arange(len(who)), len(who) // 20_000 + 1):
            w = who[part]
            inside = (starts >= first[w][:, None]) & (starts <= last[w][:, None])
            least = np.where(inside, table[rank[w], zone[w]], 1e30).min(axis=1)
            best[w] = np.maximum(best[w], units[w] * (value[part] * d - least))
    return total + float(np.maximum(best, 0).sum())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("pools", "jobs", "placements", "certificate", "carbon", "hourly"):
        parser.add_argument(f"--{name}", required=name not in ("carbon", "hourly"))
    args = parser.parse_args()
    with open(args.certificate, encoding="utf-8") as stream:
        cert = json.load(stream)
    price, jobs = cert["carbon_price_fen_per_kg"], read(args.jobs)
    pools = Pools(args, cert["hours"], price)
    value = check(pools, jobs, args.placements, price, bool(args.carbon))
    cell = dict(zip(cert["pool_ids"], cert["cell_of_pool"], strict=True))
    upper = bound(pools, jobs, np.array(cert["cell_prices"])[[cell[key] for key in pools.ids]])
    if not abs(value - cert["objective_fen"]) <= 1e-6 * max(1.0, abs(value)):
        say(f"objective is {value:.3f}, the certificate says {cert['objective_fen']:.3f}")
    if not upper <= cert["price_bound_fen"] * (1 + 1e-6) + 1e-3:
        say(f"the prices give {upper:.3f}, the certificate claims {cert['price_bound_fen']:.3f}")
    print("".join(f"BREACH {text}\n" for text in BREACHES[:50]), end="")
    print(json.dumps({"breaches": len(BREACHES), "objective_fen": value, "bound_fen": upper,
                      "gap": 1 - value / upper if upper > 0 else 0.0,
                      "solver_bound_fen_not_checked": cert["solver_bound_fen"]}))
    return 1 if BREACHES else 0


if __name__ == "__main__":
    sys.exit(main())
