"""From trace jobs to workloads: length, CPUs and cards from the trace; the rest is sample."""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from providers.facts import load_accelerators

from .chance import choose, choose_weighted, draw
from .market import SEED
from .prices import BASE_FEN_PER_CARD_HOUR
from .trace import TraceJob, load_jobs

SLACK_HOURS = ((0, 10), (6, 30), (12, 25), (24, 25), (48, 10))
# None = no minimum
MIN_GREEN_TIERS: tuple[tuple[int | None, int], ...] = ((None, 75), (2, 15), (3, 10))
REGION_SETS: tuple[tuple[tuple[str, ...], int], ...] = (
    ((), 60),
    (("130000", "150000"), 15),
    (("310000", "320000", "330000", "340000"), 15),
    (("500000", "510000", "520000"), 10),
)
PRICE_CAP_PERCENT = range(110, 171)


@dataclass(frozen=True, slots=True)
class SampleWorkload:
    """One workload. duration_hours, cpus, cards, accelerator_ids come from the trace (cards and
    kinds drawn as the trace of 2023 has them); window, price cap, regions and tier are sample.

    accelerator_ids   catalogue ids that will do; () = any
    region_adcodes    provinces that will do; () = any
    """

    key: str
    trace_job_id: str
    duration_hours: int
    cpus: int
    cards: int
    accelerator_ids: tuple[str, ...]
    earliest_at: datetime
    deadline_at: datetime
    max_price_fen_per_card_hour: int
    region_adcodes: tuple[str, ...]
    min_green_tier: int | None
    sample: bool = True


def sample_workloads(
    count: int, *, starts_at: datetime, seed: int = SEED
) -> tuple[SampleWorkload, ...]:
    """`count` workloads that may start within 24 hours of `starts_at` (aware, on the hour).

    Raises ValueError when `count` exceeds the extract or `starts_at` is naive or not on the hour.
    """
    jobs = load_jobs()
    if count > len(jobs):
        raise ValueError(f"the extract has {len(jobs)} jobs")
    if (
        starts_at.tzinfo is None
        or starts_at.replace(minute=0, second=0, microsecond=0) != starts_at
    ):
        raise ValueError("starts_at must be an aware time on the hour")
    chosen = sorted(jobs, key=lambda job: draw(seed, "workload", job.job_id))[:count]
    chosen.sort(key=lambda job: (job.arrival_h % 24, job.job_id))
    return tuple(_workload(job, starts_at, seed) for job in chosen)


def _workload(job: TraceJob, starts_at: datetime, seed: int) -> SampleWorkload:
    catalogue = load_accelerators()
    cards = [catalogue.by_trace_name(name) for name in job.card_names]
    accelerator_ids = tuple(card.id for card in cards if card is not None)
    duration = max(1, math.ceil(job.length_h))
    earliest = starts_at + timedelta(hours=int(job.arrival_h % 24))
    slack = choose_weighted(SLACK_HOURS, seed, job.job_id, "slack")
    priced = [BASE_FEN_PER_CARD_HOUR[i] for i in accelerator_ids if i in BASE_FEN_PER_CARD_HOUR]
    base = max(priced) if priced else max(BASE_FEN_PER_CARD_HOUR.values()) // 2
    return SampleWorkload(
        key=f"sample-workload-{job.job_id}",
        trace_job_id=job.job_id,
        duration_hours=duration,
        cpus=job.cpus,
        cards=job.cards,
        accelerator_ids=accelerator_ids,
        earliest_at=earliest,
        deadline_at=earliest + timedelta(hours=duration + slack),
        max_price_fen_per_card_hour=base
        * choose(PRICE_CAP_PERCENT, seed, job.job_id, "cap")
        // 100,
        region_adcodes=choose_weighted(REGION_SETS, seed, job.job_id, "region"),
        min_green_tier=choose_weighted(MIN_GREEN_TIERS, seed, job.job_id, "tier"),
    )
