"""What the worker does when workloads wait: a whole plan, shards of one, or the new ones only."""

from datetime import datetime, timedelta

from django.conf import settings

from audit.decisions import Actor
from providers.models import Offer
from scheduling.actions.place_new_workloads import AT_MOST, place_new_workloads
from scheduling.actions.plan_in_shards import open_shards
from scheduling.actions.run_matching import run_matching
from scheduling.models import MatchRun, Workload

# Jobs × pools up to which a whole plan is made at every tick: it takes a second and proves its gap.
QUICK = 200_000


def match_waiting(*, actor: Actor, at: datetime, market: str = "all") -> MatchRun | None:
    """Plan what waits the way `way_of` says; None when nothing waits.

    A run of kind `sharded` is only opened: its shards are for whoever has workers to plan. Raises
    MarketIsBeingPlanned, LeaseLost.
    """
    way, run = way_of(market, at), None
    if way == "incremental":
        run = place_new_workloads(actor=actor, at=at, market=market)
    elif way == "sharded":
        workers = settings.MATCHING_WORKERS
        run = open_shards(actor=actor, at=at, market=market, workers=workers, only_apart=True)
    return run or run_matching(actor=actor, at=at, market=market)


def way_of(market: str, at: datetime) -> str:
    """ "incremental" between two plans of a large market, "batch" for a small one at once, and
    "sharded" for a large one that is due, where there are several workers."""
    waiting = Workload.objects.filter(state="submitted")[: AT_MOST + 1].count()
    pools = Offer.objects.filter(state="listed").count()
    if waiting * pools <= QUICK:
        return "batch"
    whole = "sharded" if settings.MATCHING_WORKERS > 1 else "batch"
    if waiting > AT_MOST:
        return whole
    recent = at - timedelta(seconds=settings.MATCHING_BATCH_SECONDS)
    planned = MatchRun.objects.filter(
        market=market, state="done", kind__in=["batch", "sharded"], finished_at__gt=recent
    )
    return "incremental" if planned.exists() else whole
