"""Jobs as columns: how a million come in (COPY, CSV, a generator) without a million objects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .errors import MarketError
from .market import Job

RATE_SCALE = 10_000  # voucher rates are kept in ten-thousandths


@dataclass(frozen=True)
class JobColumns:
    """Same meaning as ``Job``, one array each, all of length N.

    kinds, regions, voucher_regions, labels are indices into ``kind_sets``, ``region_sets`` and
    ``label_sets`` (an empty set = any). min_green_tier 0 = none, max_pue inf = none,
    voucher_rate_e4 = rate x 10,000, voucher_cap_fen -1 = none, voucher_pot -1 = none (index into
    ``pot_names``), group index into ``group_names``.
    """

    job_ids: Sequence[str] | NDArray[np.generic]
    units: NDArray[np.int64]
    duration_hours: NDArray[np.int64]
    earliest_hour: NDArray[np.int64]
    deadline_hour: NDArray[np.int64]
    max_price_fen_per_unit_hour: NDArray[np.int64]
    kinds: NDArray[np.int32]
    regions: NDArray[np.int32]
    min_green_tier: NDArray[np.int32]
    max_pue: NDArray[np.float64]
    voucher_rate_e4: NDArray[np.int64]
    voucher_regions: NDArray[np.int32]
    voucher_cap_fen: NDArray[np.int64]
    voucher_pot: NDArray[np.int32]
    interruptible: NDArray[np.bool_]
    labels: NDArray[np.int32]
    group: NDArray[np.int32]
    kind_sets: Sequence[frozenset[str]]
    region_sets: Sequence[frozenset[str]]
    label_sets: Sequence[frozenset[str]] = (frozenset(),)
    pot_names: Sequence[str] = ()
    group_names: Sequence[str] = ("",)

    def __len__(self) -> int:
        return len(self.units)

    def job(self, row: int) -> Job:
        """Row ``row`` as a ``Job``."""
        pot, cap = int(self.voucher_pot[row]), int(self.voucher_cap_fen[row])
        tier, pue = int(self.min_green_tier[row]), float(self.max_pue[row])
        return Job(
            job_id=str(self.job_ids[row]),
            units=int(self.units[row]),
            duration_hours=int(self.duration_hours[row]),
            earliest_hour=int(self.earliest_hour[row]),
            deadline_hour=int(self.deadline_hour[row]),
            max_price_fen_per_unit_hour=int(self.max_price_fen_per_unit_hour[row]),
            kinds=self.kind_sets[self.kinds[row]],
            regions=self.region_sets[self.regions[row]],
            min_green_tier=tier or None,
            max_pue=pue if np.isfinite(pue) else None,
            voucher_rate=float(self.voucher_rate_e4[row]) / RATE_SCALE,
            voucher_regions=self.region_sets[self.voucher_regions[row]],
            voucher_cap_fen=cap if cap >= 0 else None,
            voucher_pot=self.pot_names[pot] if pot >= 0 else None,
            interruptible=bool(self.interruptible[row]),
            labels=self.label_sets[self.labels[row]],
            group=self.group_names[self.group[row]],
        )

    def to_jobs(self) -> list[Job]:
        return [self.job(row) for row in range(len(self))]

    @classmethod
    def from_jobs(cls, jobs: Sequence[Job]) -> JobColumns:
        """One column per field; a voucher rate is kept to four decimals, rounded down."""
        kind_sets: dict[frozenset[str], int] = {}
        region_sets: dict[frozenset[str], int] = {}
        label_sets: dict[frozenset[str], int] = {frozenset(): 0}
        pots: dict[str, int] = {}
        groups: dict[str, int] = {"": 0}

        def index(table: dict, key: object) -> int:
            return table.setdefault(key, len(table))

        def whole(row: int, name: str, value: object) -> int:
            if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
                raise MarketError(
                    "not_whole",
                    text_en=f"{name} must be a whole number, got {value!r}",
                    text_zh=f"{name} 必须为整数，实际为 {value!r}",
                    table="jobs",
                    row=row,
                    field=name,
                )
            if abs(int(value)) > 2**53:
                raise MarketError(
                    "out_of_range",
                    text_en=f"{name} is out of range",
                    text_zh=f"{name} 超出范围",
                    table="jobs",
                    row=row,
                    field=name,
                )
            return int(value)

        def number(row: int, name: str, value: object) -> float:
            try:
                figure = float(value)  # type: ignore[arg-type]
            except (TypeError, ValueError):
                figure = float("nan")
            if figure != figure:
                raise MarketError(
                    "not_a_number",
                    text_en=f"{name} must be a number, got {value!r}",
                    text_zh=f"{name} 必须为数字，实际为 {value!r}",
                    table="jobs",
                    row=row,
                    field=name,
                )
            return figure

        whole_fields = (
            "units",
            "duration_hours",
            "earliest_hour",
            "deadline_hour",
            "max_price_fen_per_unit_hour",
        )
        n = len(jobs)
        wholes = {name: np.zeros(n, np.int64) for name in whole_fields}
        tier = np.zeros(n, np.int32)
        pue = np.full(n, np.inf)
        rate = np.zeros(n, np.int64)
        cap = np.full(n, -1, np.int64)
        pot = np.full(n, -1, np.int32)
        sets = np.zeros((5, n), np.int32)
        stop = np.zeros(n, np.bool_)
        for row, job in enumerate(jobs):
            for name in whole_fields:
                wholes[name][row] = whole(row, name, getattr(job, name))
            if job.min_green_tier is not None:
                tier[row] = whole(row, "min_green_tier", job.min_green_tier)
            if job.max_pue is not None:
                pue[row] = number(row, "max_pue", job.max_pue)
            figure = number(row, "voucher_rate", job.voucher_rate)
            if not 0 <= figure < 1:
                raise MarketError(
                    "rate_out_of_range",
                    text_en=f"voucher_rate must be at least 0 and below 1, got {figure}",
                    text_zh=f"voucher_rate 须不小于 0 且小于 1，实际为 {figure}",
                    table="jobs",
                    row=row,
                    field="voucher_rate",
                )
            rate[row] = int(figure * RATE_SCALE + 1e-6)
            if job.voucher_cap_fen is not None:
                cap[row] = whole(row, "voucher_cap_fen", job.voucher_cap_fen)
                if cap[row] < 0:
                    raise MarketError(
                        "negative_cap",
                        text_en="voucher_cap_fen must not be negative",
                        text_zh="voucher_cap_fen 不得为负",
                        table="jobs",
                        row=row,
                        field="voucher_cap_fen",
                    )
            if job.voucher_pot is not None:
                pot[row] = index(pots, job.voucher_pot)
            sets[0, row] = index(kind_sets, frozenset(job.kinds))
            sets[1, row] = index(region_sets, frozenset(job.regions))
            sets[2, row] = index(region_sets, frozenset(job.voucher_regions))
            sets[3, row] = index(label_sets, frozenset(job.labels))
            sets[4, row] = index(groups, job.group)
            stop[row] = job.interruptible
        return cls(
            job_ids=[job.job_id for job in jobs],
            units=wholes["units"],
            duration_hours=wholes["duration_hours"],
            earliest_hour=wholes["earliest_hour"],
            deadline_hour=wholes["deadline_hour"],
            max_price_fen_per_unit_hour=wholes["max_price_fen_per_unit_hour"],
            kinds=sets[0],
            regions=sets[1],
            min_green_tier=tier,
            max_pue=pue,
            voucher_rate_e4=rate,
            voucher_regions=sets[2],
            voucher_cap_fen=cap,
            voucher_pot=pot,
            interruptible=stop,
            labels=sets[3],
            group=sets[4],
            kind_sets=list(kind_sets),
            region_sets=list(region_sets),
            label_sets=list(label_sets),
            pot_names=list(pots),
            group_names=list(groups),
        )
