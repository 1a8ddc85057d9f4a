"""When power turns green elsewhere or later: suggest to interruptible jobs that they move."""

from datetime import datetime, timedelta
from decimal import Decimal

from django.db import transaction

from audit.actions.record import record
from audit.decisions import Actor
from scheduling.matching import Placement as PlannedPlacement
from scheduling.matching import suggest_migrations
from scheduling.models import Placement, Relocation
from scheduling.plan_standing import standing_plan
from scheduling.pull_market import PulledMarket, horizon_start, pull_market

# What suspending, moving the state and resuming is reckoned to cost, at least.
MOVE_COST_FEN = 500
SUGGESTION_LASTS = timedelta(hours=6)


@transaction.atomic
def suggest_relocations(*, actor: Actor, at: datetime, move_cost_fen: int = MOVE_COST_FEN) -> int:
    """Suggest moves on today's prices and carbon signals for accepted interruptible
    placements that have not begun; returns how many new ones.

    Each saves more than `move_cost_fen` in price and carbon.

    A suggestion holds no capacity: acceptance takes it or is refused.
    """
    Relocation.objects.filter(state="suggested", valid_until__lte=at).update(state="expired")
    starts_at = horizon_start(at)
    placements = list(
        Placement.objects.filter(
            state="accepted",
            workload__interruptible=True,
            starts_at__gte=starts_at,
            allocation__state="active",
        )
        .exclude(relocations__state="suggested")
        .exclude(allocation__job__state__in=["INITIALIZING", "RUNNING"])
        .select_related("workload", "pool", "allocation")
        .order_by("pk")
    )
    if not placements:
        return 0
    pulled = pull_market(at=at, most=0, starts_at=starts_at)
    market, plan, rows = standing_plan(pulled, placements)
    found = suggest_migrations(market, plan, at_hour=0, move_cost_fen=move_cost_fen)
    by_job = {str(each.workload_id): each for each in rows}
    for move in found:
        _suggest(
            pulled, by_job[move.job_id], move.after, move.kgco2_saved, move.price_saved_fen, at
        )
    if found:
        record(
            "relocations.suggested",
            subject=("scheduling.relocation", starts_at.isoformat()),
            actor=actor,
            at=at,
            data={"count": len(found)},
        )
    return len(found)


def _suggest(
    pulled: PulledMarket,
    placement: Placement,
    after: PlannedPlacement,
    kg_saved: float,
    fen_saved: int,
    at: datetime,
) -> None:
    segments = [(pulled.instant(first), pulled.instant(last)) for first, last in after.segments]
    Relocation.objects.create(
        placement=placement,
        pool_id=int(after.pool_id),
        from_at=pulled.starts_at,
        segments=[[first.isoformat(), last.isoformat()] for first, last in segments],
        price_fen=after.price_fen,
        # The enterprise moves by its own wish: the voucher pays no more than it would have.
        voucher_fen=min(after.voucher_fen, placement.voucher_fen),
        price_saved_fen=fen_saved,
        energy_kwh=Decimal(str(round(after.kwh, 3))),
        carbon_kg=None if after.kgco2 is None else Decimal(str(round(after.kgco2, 3))),
        carbon_saved_kg=Decimal(str(round(kg_saved, 3))),
        suggested_at=at,
        valid_until=min(at + SUGGESTION_LASTS, pulled.starts_at),
    )
