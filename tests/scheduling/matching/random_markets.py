"""Small random markets that touch every rule at once, by seed."""

from __future__ import annotations

import numpy as np

from scheduling.matching import CarbonSeries, Job, Market, Pool

REGIONS = ["110000", "130730", "130700", "310000", "150000"]
ASKED = ["110000", "130000", "130700", "310000", "150000"]
HOURS = 30


def random_market(seed: int, *, pots: bool = True) -> Market:
    rng = np.random.default_rng(seed)
    pools = []
    for k in range(int(rng.integers(1, 7))):
        windows = None
        if rng.random() < 0.4:
            cut = sorted(rng.choice(HOURS, 4, replace=False).tolist())
            windows = ((cut[0], cut[1]), (cut[2], cut[3]))
        varying = rng.random() < 0.5
        pools.append(
            Pool(
                f"p{k}",
                str(rng.choice(["A", "B"])),
                str(rng.choice(REGIONS)),
                int(rng.integers(1, 12)),
                rng.integers(50, 300, HOURS).tolist() if varying else int(rng.integers(0, 300)),
                float(rng.uniform(0.2, 1.5)),
                float(rng.choice([1.1, 1.25, 1.4])),
                green_tier=int(rng.integers(1, 4)) if rng.random() < 0.7 else None,
                green_share=rng.random(HOURS).tolist() if rng.random() < 0.5 else 0.1,
                available=windows,
                occupied=rng.integers(0, 4, HOURS).tolist() if rng.random() < 0.3 else None,
                labels=frozenset(["edge"]) if rng.random() < 0.5 else frozenset(),
            )
        )
    jobs = []
    for k in range(int(rng.integers(0, 40))):
        length = int(rng.integers(1, 9)) if rng.random() < 0.9 else int(rng.integers(20, 40))
        earliest = int(rng.integers(0, HOURS))
        regions = rng.choice(ASKED, int(rng.integers(0, 3)), replace=False)
        jobs.append(
            Job(
                f"j{k}",
                int(rng.choice([1, 1, 2, 3, 4, 8, 9])),
                length,
                earliest,
                earliest + length + int(rng.integers(0, 14)),
                int(rng.integers(20, 500)),
                kinds=frozenset(rng.choice(["A", "B", "C"], int(rng.integers(0, 3))).tolist()),
                regions=frozenset(regions.tolist()),
                min_green_tier=int(rng.integers(1, 5)) if rng.random() < 0.3 else None,
                max_pue=1.25 if rng.random() < 0.2 else None,
                voucher_rate=float(rng.choice([0, 0, 0.2, 0.5, 0.3333])),
                voucher_regions=frozenset(["130000"]) if rng.random() < 0.4 else frozenset(),
                voucher_cap_fen=int(rng.integers(0, 900)) if rng.random() < 0.3 else None,
                voucher_pot="pot" if pots and rng.random() < 0.3 else None,
                interruptible=bool(rng.random() < 0.25),
                labels=frozenset(["edge"]) if rng.random() < 0.1 else frozenset(),
                group=str(rng.choice(["", "sme", "university"])),
            )
        )
    carbon = CarbonSeries(
        {
            "110000": 0.56,
            "130000": rng.uniform(0.2, 0.9, HOURS).tolist(),
            "310000": 0.58,
            "150000": rng.uniform(0.1, 0.9, HOURS).tolist(),
        }
    )
    return Market(
        pools,
        jobs,
        carbon,
        voucher_pots_fen={"pot": int(rng.integers(0, 3000))} if pots else {},
        fairness_floors={"sme": 0.5} if rng.random() < 0.2 else {},
    )
