"""Plan a market: read it, plan it, and commit the placements as proposals, or none of them."""

import json
from dataclasses import asdict
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import transaction

from audit.actions.record import record
from audit.canonical import sha256_hex
from audit.decisions import Actor
from scheduling.actions.lease_market import end_lease, hold_lease, lease_market
from scheduling.build_market import BuiltMarket, build_market
from scheduling.matching import Explanation, MarketError, Plan, explain, plan, verify
from scheduling.matching.result import Placement as PlannedPlacement
from scheduling.models import MatchRun, Placement, Workload

OFFER_LASTS = timedelta(hours=24)
LARGEST_BATCH = 20_000


def run_matching(
    *, actor: Actor, at: datetime, market: str = "all", seed: int = 0
) -> MatchRun | None:
    """Match every submitted workload of `market`; returns the run, or None with nothing to do.

    Not one transaction but three, so that no lock is held while the engine works: take the lease,
    plan, commit. The lease's token fences off a worker that was taken for dead; a plan that the
    checker refuses is parked whole. Raises MarketIsBeingPlanned, LeaseLost.
    """
    waiting = Workload.objects.filter(state="submitted").order_by("pk")
    if not waiting.exists():
        return None
    token = lease_market(market=market, at=at)
    try:
        workloads = list(waiting[:LARGEST_BATCH])
        built = build_market(workloads, at=at)
        run = MatchRun.objects.create(
            market=market,
            token=token,
            horizon_starts_at=built.starts_at,
            hours=settings.MATCHING_HORIZON_HOURS,
            seed=seed,
            carbon_price_fen_per_kg=settings.MATCHING_CARBON_PRICE_FEN_PER_KG,
            inputs=built.as_dict(),
            started_at=at,
            progress={"step": "planning", "jobs": len(workloads), "pools": len(built.pools)},
        )
        _plan_and_commit(run, built, actor, at)
        return run
    finally:
        end_lease(market=market, token=token)


def _plan_and_commit(run: MatchRun, built: BuiltMarket, actor: Actor, at: datetime) -> None:
    try:
        planned = plan(
            built.market,
            carbon_price_fen_per_kg=run.carbon_price_fen_per_kg,
            hours=run.hours,
            seed=run.seed,
        )
    except MarketError as error:
        _park(run, actor, at, f"{error.code}: {error.text_en}")
        return
    violations = verify(built.market, planned)
    if violations:
        _park(run, actor, at, f"the plan breaks {len(violations)} rules; first: {violations[0]}")
        return
    with transaction.atomic():
        hold_lease(market=run.market, token=run.token)
        _propose(run, built, planned, at)
        run.state = MatchRun.State.DONE
        run.certificate = planned.certificate.to_json()
        run.input_digest = sha256_hex(json.dumps(run.inputs, sort_keys=True))
        run.progress = {
            "step": "done",
            "placed": len(planned.placements),
            "unplaced": len(planned.unplaced),
        }
        run.finished_at = at
        run.save()
        record(
            "matching.completed",
            subject=run,
            actor=actor,
            at=at,
            data={
                "placed": len(planned.placements),
                "unplaced": len(planned.unplaced),
                "gap_ppm": round(planned.certificate.gap * 1_000_000),
                "input_digest": run.input_digest,
            },
        )


def _park(run: MatchRun, actor: Actor, at: datetime, why: str) -> None:
    with transaction.atomic():
        run.state = MatchRun.State.PARKED
        run.error = why
        run.finished_at = at
        run.save()
        record("matching.parked", subject=run, actor=actor, at=at, data={"why": why})


def _propose(run: MatchRun, built: BuiltMarket, planned: Plan, at: datetime) -> None:
    """Placements for the workloads that are still waiting; others moved on and are left alone."""
    waiting = set(
        Workload.objects.select_for_update()
        .filter(pk__in=[int(key) for key in built.workloads], state="submitted")
        .order_by("pk")
        .values_list("pk", flat=True)
    )
    placed = [each for each in planned.placements if int(each.job_id) in waiting]
    Placement.objects.bulk_create(
        [_placement(run, built, planned, each, at) for each in placed], batch_size=500
    )
    Workload.objects.filter(pk__in=[int(each.job_id) for each in placed]).update(
        state="matched", unplaced_reason=None
    )
    unplaced = []
    for each in planned.unplaced:
        if int(each.job_id) in waiting:
            workload = built.workloads[each.job_id]
            workload.state = Workload.State.UNPLACED
            workload.unplaced_reason = {
                "code": each.reason,
                "text_en": each.text_en,
                "text_zh": each.text_zh,
                "explanation": explanation_as_dict(
                    explain(built.market, planned, each.job_id), built
                ),
            }
            unplaced.append(workload)
    Workload.objects.bulk_update(unplaced, ["state", "unplaced_reason"], batch_size=500)


def _placement(
    run: MatchRun, built: BuiltMarket, planned: Plan, chosen: PlannedPlacement, at: datetime
) -> Placement:
    workload, row = built.workloads[chosen.job_id], built.pools[chosen.pool_id]
    segments = [(built.instant(start), built.instant(end)) for start, end in chosen.segments]
    explanation = explanation_as_dict(explain(built.market, planned, chosen.job_id), built)
    explanation["pue_basis"] = "metered" if row.pue is not None else "assumed: GB 40879-2021 limit"
    explanation["carbon_basis"] = row.grid_factor_basis
    return Placement(
        run=run,
        workload=workload,
        pool_id=row.pool_id,
        rating_id=row.rating_id,
        starts_at=segments[0][0],
        ends_at=segments[-1][1],
        segments=[[start.isoformat(), end.isoformat()] for start, end in segments],
        price_fen=chosen.price_fen,
        voucher_fen=chosen.voucher_fen,
        price_fen_per_unit_hour=-(-chosen.price_fen // (workload.units * workload.duration_hours)),
        energy_kwh=Decimal(str(round(chosen.kwh, 3))),
        carbon_kg=None if chosen.kgco2 is None else Decimal(str(round(chosen.kgco2, 3))),
        explanation=explanation,
        valid_until=min(at + OFFER_LASTS, segments[0][0]),
    )


def explanation_as_dict(explanation: Explanation, built: BuiltMarket) -> dict[str, Any]:
    """An explanation as JSON, with pools by code and hours as instants."""
    document = asdict(explanation)
    document.pop("chosen")
    for rejected in document["rejected"]:
        row = built.pools[rejected["pool_id"]]
        rejected["pool_code"] = row.pool_code
        rejected["facility"] = row.facility_name
        rejected["starts_at"] = built.instant(rejected["segments"][0][0]).isoformat()
    return document
