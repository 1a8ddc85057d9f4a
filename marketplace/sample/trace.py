"""The shipped extract of the PAI-2020 trace (see ATTRIBUTION.md)."""

import csv
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from pathlib import Path

JOBS_FILE = Path(__file__).parent / "pai2020_jobs.csv"


@dataclass(frozen=True, slots=True)
class TraceJob:
    """One job. arrival_h, length_h and cpus are the trace's; cards and card_names are drawn.

    arrival_h   hours from the start of the trace (0..8760); length_h run time in hours
    cpus        CPUs asked for
    card_names  trace names of the kinds that will do; () = any
    """

    job_id: str
    arrival_h: Decimal
    length_h: Decimal
    cpus: int
    cards: int
    card_names: tuple[str, ...]


@lru_cache(maxsize=1)
def load_jobs() -> tuple[TraceJob, ...]:
    """All jobs of the extract in order of arrival."""
    with JOBS_FILE.open(encoding="utf-8", newline="") as file:
        return tuple(
            TraceJob(
                job_id=row["job_id"],
                arrival_h=Decimal(row["arrival_h"]),
                length_h=Decimal(row["length_h"]),
                cpus=int(row["cpus"]),
                cards=int(row["cards"]),
                card_names=tuple(filter(None, row["card_names"].split("|"))),
            )
            for row in csv.DictReader(file)
        )
