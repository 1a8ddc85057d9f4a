"""Plan a market over several workers: split under one lease, plan each shard, close when all have.

The database is the meeting point, not the broker: whoever finishes last closes the parent run, and
a shard whose worker died is simply planned again.
"""

from datetime import datetime
from typing import Any

from django.db import transaction

from audit.actions.record import record
from audit.decisions import Actor
from scheduling.actions.lease_market import end_lease, lease_market
from scheduling.actions.run_matching import open_run, plan_run
from scheduling.models import MatchRun, Workload
from scheduling.pull_market import horizon_start, pull_market
from scheduling.split_market import Shard, split_market


def open_shards(
    *,
    actor: Actor,
    at: datetime,
    market: str = "all",
    workers: int = 2,
    parts: int = 1,
    only_apart: bool = False,
) -> MatchRun | None:
    """Take the lease and write the shards down; returns the parent run, None with nothing to do
    or, when `only_apart`, where everything hangs together and would be one shard.

    Every shard commits on its own, fenced by the parent's token. Raises MarketIsBeingPlanned.
    """
    if not Workload.objects.filter(state="submitted").exists():
        return None
    token = lease_market(market=market, at=at, tied=False)
    pulled = pull_market(at=at, most=0, starts_at=horizon_start(at))
    shards = split_market(pulled, workers=workers, parts=parts)
    if only_apart and len(shards) < 2:
        end_lease(market=market, token=token)
        return None
    with transaction.atomic():
        parent = open_run(
            market=market,
            token=token,
            at=at,
            kind=MatchRun.Kind.SHARDED,
            scope={"shards": len(shards), "parts": parts},
        )
        for number, shard in enumerate(shards):
            open_run(
                market=market,
                token=token,
                at=at,
                seed=number,
                kind=MatchRun.Kind.SHARD,
                parent=parent,
                scope=shard.as_dict(),
            )
        data = {"shards": len(shards), "parts": parts}
        record("matching.split", subject=parent, actor=actor, at=at, data=data)
    return parent


def plan_shard(*, run: MatchRun, actor: Actor, at: datetime) -> MatchRun:
    """Plan one shard, unless it has been; then close the parent if it was the last.

    Raises LeaseLost.
    """
    run.refresh_from_db()
    if run.state == MatchRun.State.RUNNING:
        plan_run(run=run, shard=Shard(**run.scope), effort="auto", actor=actor, at=at)
    if run.parent_id is not None:
        close_shards(parent=run.parent, actor=actor, at=at)  # type: ignore[arg-type]
    return run


@transaction.atomic
def close_shards(*, parent: MatchRun, actor: Actor, at: datetime) -> bool:
    """Close the parent run once no shard is running; True when this call did.

    Bounds of whole components add up to a bound of the market; those of random parts do not, so
    then no gap is claimed.
    """
    parent = MatchRun.objects.select_for_update().get(pk=parent.pk)
    shards = parent.shards.defer("inputs")
    if parent.state != "running" or shards.filter(state="running").exists():
        return False
    done = [shard for shard in shards if shard.state == "done"]
    parent.state = MatchRun.State.DONE if done else MatchRun.State.PARKED
    parent.error = "; ".join(f"#{s.pk}: {s.error}" for s in shards if s.error)
    parent.certificate = _sum(done, exact=parent.scope["parts"] == 1 and len(done) == len(shards))
    parent.progress = {
        "step": "done",
        "percent": 100,
        **{
            name: sum(int(shard.progress.get(name, 0)) for shard in done)
            for name in ("jobs", "placed", "unplaced", "skipped")
        },
    }
    parent.finished_at = at
    parent.save()
    end_lease(market=parent.market, token=parent.token)
    data = {"shards": len(done), "placed": parent.progress["placed"]}
    record("matching.merged", subject=parent, actor=actor, at=at, data=data)
    return True


def _sum(done: list[MatchRun], *, exact: bool) -> dict[str, Any]:
    proofs = [shard.certificate or {} for shard in done]
    objective = sum(float(proof["objective_fen"]) for proof in proofs)
    bound = sum(float(proof["bound_fen"]) for proof in proofs) if exact else None
    gap = None if bound is None else (0.0 if bound <= 0 else 1 - objective / bound)
    return {"objective_fen": objective, "bound_fen": bound, "gap": gap, "method": "shards"}
