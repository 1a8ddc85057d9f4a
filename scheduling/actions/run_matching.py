"""Plan a market: read it, plan it, and commit the placements as proposals, or none of them."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from hashlib import sha256
from typing import Any

import numpy as np
from django.conf import settings
from django.db import IntegrityError, transaction

from audit.actions.record import record
from audit.decisions import Actor
from scheduling.actions.commit_plan import commit_plan, store_archive
from scheduling.actions.lease_market import end_lease, hold_lease, lease_market
from scheduling.actions.set_aside import set_aside_refused, set_aside_too_late
from scheduling.archive_plan import compress, pack_market, pack_plan, pool_notes
from scheduling.check_plan import check_plan
from scheduling.compare_supply import changed_pools
from scheduling.matching import MarketError, Plan, explain, plan, verify
from scheduling.models import MatchRun, Workload
from scheduling.pull_market import PulledMarket, horizon_start, pull_market
from scheduling.report_progress import Progress
from scheduling.tell_story import tell_story

LARGEST_BATCH = 1_000_000
# Jobs × pools up to which the engine's own verifier runs and every story is told at once; beyond,
# the vectorized check alone, and stories from the archive when somebody asks.
TOLD_AT_ONCE = 10_000
REFUSED_AT_MOST = 20


def run_matching(
    *, actor: Actor, at: datetime, market: str = "all", seed: int = 0, effort: str = "auto"
) -> MatchRun | None:
    """Match every submitted workload of `market`; returns the run, or None with nothing to do.

    Not one transaction but several, so that no lock is held while the engine works: take the lease,
    read, plan, commit. The lease's token fences off a worker that was taken for dead; a plan that
    the checker or the database refuses is parked whole. Raises MarketIsBeingPlanned, LeaseLost.
    """
    if not Workload.objects.filter(state="submitted").exists():
        return None
    token = lease_market(market=market, at=at)
    try:
        run = open_run(market=market, token=token, seed=seed, at=at)
        plan_run(run=run, effort=effort, actor=actor, at=at)
        return run
    finally:
        end_lease(market=market, token=token)


def open_run(*, market: str, token: int, at: datetime, seed: int = 0, **more: Any) -> MatchRun:
    """A run that has not read anything yet."""
    return MatchRun.objects.create(
        market=market,
        token=token,
        horizon_starts_at=horizon_start(at),
        hours=settings.MATCHING_HORIZON_HOURS,
        seed=seed,
        carbon_price_fen_per_kg=settings.MATCHING_CARBON_PRICE_FEN_PER_KG,
        started_at=at,
        progress={"step": "pull", "percent": 0},
        **more,
    )


def plan_run(
    *, run: MatchRun, actor: Actor, at: datetime, effort: str = "auto", shard: Any = None
) -> None:
    """Read, plan, check and commit an open run. `shard` narrows what it reads (split_market)."""
    progress = Progress(run, begun_at=at)
    progress.tell("pull")
    set_aside_too_late(starts_at=run.horizon_starts_at, actor=actor, at=at)
    for _attempt in range(REFUSED_AT_MOST):
        pulled = pull_market(
            at=at,
            most=LARGEST_BATCH,
            starts_at=run.horizon_starts_at,
            shard=shard.condition if shard else "TRUE",
        )
        if shard:
            pulled = shard.narrow(pulled)
        packed = pack_market(pulled.market, {"pool_notes": pool_notes(pulled.pools)})
        run.input_digest = sha256(
            packed + f"|{run.carbon_price_fen_per_kg}|{run.seed}|{effort}".encode()
        ).hexdigest()
        run.inputs = {
            "starts_at": pulled.starts_at.isoformat(),
            "jobs": len(pulled.jobs),
            "pools": [{"pool_id": pool.pool_id} for pool in pulled.market.pools],
            "carbon": _signals(pulled),
        }
        progress.facts.update(jobs=len(pulled.jobs), pools=len(pulled.pools))
        try:
            planned = plan(
                pulled.market,
                carbon_price_fen_per_kg=run.carbon_price_fen_per_kg,
                hours=run.hours,
                seed=run.seed,
                effort=effort,
                progress=progress.tell,
            )
        except MarketError as error:
            if error.table == "jobs" and error.row is not None:
                set_aside_refused(
                    workload_id=int(pulled.workload_ids[error.row]), error=error, actor=actor, at=at
                )
                continue
            why = f"{error.code}: {error.text_en}"
            return park(run=run, why=why, actor=actor, at=progress.now())
        return finish_plan(run, pulled, planned, packed, progress, actor)
    why = "too many workloads were refused one by one"
    return park(run=run, why=why, actor=actor, at=progress.now())


def finish_plan(
    run: MatchRun,
    pulled: PulledMarket,
    planned: Plan,
    packed: bytes,
    progress: Progress,
    actor: Actor,
    *,
    keep_waiting: bool = False,
) -> None:
    """Check `planned`, then commit it whole with its archive, or park the run with the reason."""
    progress.tell("check")
    small = len(pulled.jobs) * max(1, len(pulled.pools)) <= TOLD_AT_ONCE
    broken: list[Any] = list(check_plan(pulled.market, planned, hours=run.hours))
    if small and not broken and run.kind != MatchRun.Kind.INCREMENTAL:
        broken = list(verify(pulled.market, planned))
    if broken:
        why = f"the plan breaks {len(broken)} rules; first: {broken[0]}"
        return park(run=run, why=why, actor=actor, at=progress.now())
    stories = _stories(pulled, planned) if small else {}
    changed = changed_pools(pulled, at=progress.now())
    without = changed[planned.columns.pool_of] & (planned.columns.pool_of >= 0)
    progress.tell("commit")
    at = progress.now()
    try:
        # The archive is compressed while the database works.
        with ThreadPoolExecutor(2) as pool, transaction.atomic():
            market = pool.submit(compress, packed)
            chosen = pool.submit(lambda: compress(pack_plan(planned)))
            hold_lease(market=run.market, token=run.token)
            counts = commit_plan(
                run=run,
                pulled=pulled,
                planned=planned,
                without=without,
                stories=stories,
                keep_waiting=keep_waiting,
                at=at,
            )
            store_archive(run, market.result(), chosen.result())
            _close(run, planned, {**counts, "pools_changed": int(changed.sum())}, progress, actor)
    except IntegrityError as error:
        run.refresh_from_db()
        why = f"the database refused it: {str(error).splitlines()[0]}"
        park(run=run, why=why, actor=actor, at=progress.now())


def _close(
    run: MatchRun, planned: Plan, counts: dict[str, int], progress: Progress, actor: Actor
) -> None:
    proof = planned.certificate
    run.state = MatchRun.State.DONE
    run.certificate = {
        name: getattr(proof, name)
        for name in ("objective_fen", "bound_fen", "gap", "method", "counts")
    }
    if proof.method == "incremental":  # no bound of its own: it stands on an earlier plan's prices
        run.certificate.update(bound_fen=None, gap=None)
    run.progress = {
        "step": "done",
        "percent": 100,
        **progress.facts,
        **counts,
        "seconds": progress.seconds,
    }
    run.finished_at = progress.now()
    # Twice planned by mistake, once committed: only a running run may close.
    moved = MatchRun.objects.filter(pk=run.pk, state="running").update(
        state=run.state,
        certificate=run.certificate,
        input_digest=run.input_digest,
        inputs=run.inputs,
        progress=run.progress,
        finished_at=run.finished_at,
    )
    if not moved:
        raise IntegrityError("the run was closed meanwhile")
    record(
        "matching.completed",
        subject=run,
        actor=actor,
        at=run.finished_at,
        data={
            **counts,
            "gap_ppm": None if run.certificate["gap"] is None else round(proof.gap * 1_000_000),
            "input_digest": run.input_digest,
        },
    )


def park(*, run: MatchRun, why: str, actor: Actor, at: datetime) -> None:
    """Refuse a run whole, visibly; nothing of it was written. A closed run stays as it is."""
    with transaction.atomic():
        run.error, run.finished_at = why, at
        if MatchRun.objects.filter(pk=run.pk, state="running").update(
            state="parked", error=why, finished_at=at, inputs=run.inputs
        ):
            run.state = MatchRun.State.PARKED
            record("matching.parked", subject=run, actor=actor, at=at, data={"why": why})


def _stories(pulled: PulledMarket, planned: Plan) -> dict[int, dict[str, Any]]:
    notes = pool_notes(pulled.pools)
    return {
        int(job_id): tell_story(
            explain(pulled.market, planned, str(job_id)), notes, pulled.starts_at
        )
        for job_id in pulled.jobs.job_ids
    }


def _signals(pulled: PulledMarket) -> dict[str, dict[str, Any]]:
    """By region: how its carbon signal is known, what it rests on, and its mean."""
    carbon = pulled.market.carbon
    if carbon is None:
        return {}
    return {
        region: {
            "quality": carbon.quality.get(region, "flat"),
            "basis": pulled.carbon_basis.get(region, ""),
            "mean_kg_per_kwh": round(float(np.mean(np.asarray(series))), 5),
        }
        for region, series in carbon.kg_per_kwh.items()
    }
