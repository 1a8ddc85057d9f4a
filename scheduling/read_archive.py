"""A run's market and plan from what it stored: every explanation is replayed from here."""

from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Any

from scheduling.archive_plan import decompress, unpack_market, unpack_plan
from scheduling.live_market import prices_at
from scheduling.matching import JobColumns, Market, Plan, explain
from scheduling.models import MatchArchive, MatchRun, Placement
from scheduling.tell_story import tell_story


@dataclass(frozen=True)
class Archived:
    """`pools` is what tell_story needs by pool key; `row_of` finds a job by workload."""

    market: Market
    plan: Plan
    starts_at: datetime
    pools: dict[str, dict[str, Any]]

    @property
    def jobs(self) -> JobColumns:
        assert isinstance(self.market.jobs, JobColumns)
        return self.market.jobs


@lru_cache(maxsize=2)
def archived(run_id: int) -> Archived:
    """The market and plan of a run. An archive is written once, so it may be kept in memory.

    Raises MatchArchive.DoesNotExist for a run that stored none.
    """
    stored = MatchArchive.objects.select_related("run").get(pk=run_id)
    market, notes = unpack_market(decompress(stored.market))
    assert isinstance(market.jobs, JobColumns)
    plan = unpack_plan(decompress(stored.plan), market.jobs.job_ids)
    if plan.certificate.method == "incremental":
        priced = MatchRun.objects.get(pk=stored.run.scope["prices_of"])
        prices = prices_at(priced, stored.run.horizon_starts_at).cell_prices
        plan = replace(plan, certificate=replace(plan.certificate, cell_prices=prices))
    return Archived(
        market,
        plan,
        stored.run.horizon_starts_at,
        notes["pool_notes"],
    )


def replayed_story(run_id: int, workload_id: int) -> dict[str, Any]:
    """The explanation of one workload in a run, computed again from what the run stored.

    Raises MatchArchive.DoesNotExist, MarketError for a workload the run did not plan.
    """
    found = archived(run_id)
    told = explain(found.market, found.plan, str(workload_id))
    return tell_story(told, found.pools, found.starts_at)


def story_of(placement: Placement) -> dict[str, Any]:
    """What was told when it was placed, or told now from what the run stored."""
    if placement.explanation.get("text_en"):
        return dict(placement.explanation)
    try:
        return replayed_story(placement.run_id, placement.workload_id)
    except MatchArchive.DoesNotExist:
        return {"text_en": "No explanation was stored.", "text_zh": "未保存说明。"}
