"""Show a shift: 150 kWh of computing from Nantong to Zhangbei, under four accounts.

After the pilot of Alibaba and North China Electric Power University: a load of 100 kW fell for 1.5
hours in Nantong, 150 kWh ran in Zhangbei instead and 120 kg of CO2 were claimed. Here the engine
plans the same 150 kWh (100 units x 0.6 kW x PUE 1.25 x 2 whole hours) itself.

A SCENARIO, not a measurement: provincial means are official (2023: Jiangsu 0.5827, Hebei 0.6516
kg/kWh), their daily shape and Zhangbei's direct wind by hour are made up, and say ``calibrated``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .market import CarbonSeries, Job, Market, Pool
from .plan import plan

HOURS = 48
KWH = 150.0
CLAIMED_KG = 120.0
JIANGSU, HEBEI = 0.5827, 0.6516  # kg/kWh, official provincial means of 2023
CARBON_PRICE = 10.0  # fen per kg, the programme's default
LABEL = (
    "scenario on calibrated data (official yearly means, made-up shape and wind), not measured",
    "情景演示：官方年均因子校准，日内曲线与风电为设定值，非实测",
)


@dataclass(frozen=True)
class Account:
    """One way of counting. kg is of the 150 kWh; saved against staying, at once."""

    name_en: str
    name_zh: str
    pool_id: str
    hours: tuple[tuple[int, int], ...]
    kgco2: float
    saved_kg: float
    label: str


def daily(mean: float, depth: float) -> NDArray[np.float64]:
    """A provincial mean with a solar dip at noon; its own mean stays ``mean``."""
    hour = np.arange(HOURS) % 24
    shape = 1 - depth * np.clip(np.sin((hour - 6) / 12 * np.pi), 0, None)
    return np.asarray(mean * shape / shape.mean())


def wind() -> NDArray[np.float64]:
    """Zhangbei's direct wind share by hour, strongest at two in the morning."""
    hour = np.arange(HOURS) % 24
    return np.asarray(np.clip(0.55 + 0.4 * np.cos(2 * np.pi * (hour - 2) / 24), 0.0, 0.95))


def market(*, places: Sequence[str], green: bool, slack: int) -> Market:
    """One job of 150 kWh, wanted at 14:00, in the places named."""
    share: NDArray[np.float64] | float = wind() if green else 0.0
    pools = [
        Pool("Nantong 南通", "accelerator", "320600", 100, 400, 0.6, 1.25),
        Pool("Zhangbei 张北", "accelerator", "130722", 100, 400, 0.6, 1.25, green_share=share),
    ]
    job = Job("shift", 100, 2, 14, 16 + slack, 1000, interruptible=slack > 0)
    carbon = CarbonSeries(
        {"320000": daily(JIANGSU, 0.2), "130000": daily(HEBEI, 0.25)},
        {"320000": "calibrated", "130000": "calibrated"},
    )
    return Market([p for p in pools if p.pool_id.split()[0] in places], [job], carbon)


def show_shift() -> list[Account]:
    """Stay; move by the provincial mean; move to direct wind; move and wait for it."""
    both = ("Nantong", "Zhangbei")
    cases = (
        ("stay in Nantong, at once", "留在南通，立即运行", ("Nantong",), False, 0),
        ("move at once, provincial means alone", "立即迁移，仅按省级平均因子",
         ("Zhangbei",), False, 0),
        ("move at once, with Zhangbei's direct wind", "立即迁移，计入张北直供风电", both, True, 0),
        ("move and wait up to 24 h for wind", "迁移并最多等待 24 小时", both, True, 24),
    )  # fmt: skip
    found: list[Account] = []
    for name_en, name_zh, places, green, slack in cases:
        made = plan(
            market(places=places, green=green, slack=slack),
            carbon_price_fen_per_kg=CARBON_PRICE, hours=HOURS,
        )  # fmt: skip
        placed = made.placements[0]
        kg = float(placed.kgco2 or 0.0)
        saved = found[0].kgco2 - kg if found else 0.0
        found.append(
            Account(name_en, name_zh, placed.pool_id, placed.segments, kg, saved, "calibrated")
        )
    return found


def tell() -> str:
    """The accounts as text, both languages, label first."""
    lines = [LABEL[0], LABEL[1], ""]
    for a in show_shift():
        spans = ", ".join(f"{x:02d}-{y:02d} h" for x, y in a.hours)
        lines.append(f"{a.name_en} · {a.name_zh}")
        lines.append(f"    {a.pool_id} {spans}: {a.kgco2:.1f} kg, saved {a.saved_kg:+.1f} kg")
    lines += [
        "",
        f"The pilot's claim was {CLAIMED_KG:.0f} kg for {KWH:.0f} kWh, {CLAIMED_KG / KWH:.2f} kg a "
        "kWh: a fossil baseline. By provincial means alone the move adds carbon.",
        f"试点公布减排 {CLAIMED_KG:.0f} 千克（每千瓦时 {CLAIMED_KG / KWH:.2f} 千克），"
        "对应化石能源基准；若只按省级平均因子，迁移反而增加排放。",
    ]
    return "\n".join(lines)
