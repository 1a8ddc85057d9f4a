"""A pool, a workload and a placement, without running the matcher."""

from datetime import timedelta
from decimal import Decimal
from itertools import count

from audit.decisions import SYSTEM
from identity.models import Organization
from providers.models import AcceleratorModel, Facility, Pool
from scheduling.actions.allocate_capacity import allocate_capacity
from scheduling.actions.create_job import create_job
from scheduling.actions.list_pool import list_pool
from scheduling.models import Job, MatchRun, Placement, Platform, Workload
from tests.factories import NOW, make_organization

_numbers = count(1)
START = NOW + timedelta(hours=1)


def make_platform(*, can_dispatch: bool = True) -> Platform:
    number = next(_numbers)
    return Platform.objects.create(
        sequence=number,
        name=f"platform {number}",
        region_printed="浙江",
        adcode="330000",
        status="online" if can_dispatch else "construction_started",
        status_text="已正式上线" if can_dispatch else "已启动建设",
        status_date=NOW.date(),
        can_dispatch=can_dispatch,
        evidence="test",
        connector="sandbox",
    )


def make_pool(*, units: int = 8, platform: Platform | None = None) -> Pool:
    number = next(_numbers)
    facility = Facility.objects.create(
        provider=make_organization("provider"),
        adcode="330110",
        name=f"facility {number}",
        registered_at=NOW,
    )
    accelerator, _created = AcceleratorModel.objects.get_or_create(
        code="test-card", defaults={"model": "test card"}
    )
    pool = Pool.objects.create(
        facility=facility,
        code=f"pool-{number}",
        slice_id=f"slice-{number}",
        accelerator=accelerator,
        units=units,
        kw_per_unit=Decimal("0.4"),
    )
    list_pool(pool=pool, platform=platform or make_platform(), actor=SYSTEM, at=NOW)
    return pool


def make_workload(
    *, enterprise: Organization | None = None, units: int = 2, hours: int = 3
) -> Workload:
    return Workload.objects.create(
        enterprise=enterprise or make_organization(),
        reference=f"workload-{next(_numbers)}",
        units=units,
        duration_hours=hours,
        earliest_at=START,
        deadline_at=START + timedelta(hours=48),
        max_price_fen_per_unit_hour=1000,
        submitted_at=NOW,
    )


def make_placement(pool: Pool, workload: Workload, *, voucher_fen: int = 0) -> Placement:
    run = MatchRun.objects.create(
        token=0, horizon_starts_at=START, hours=168, carbon_price_fen_per_kg=10, started_at=NOW
    )
    ends_at = START + timedelta(hours=workload.duration_hours)
    Workload.objects.filter(pk=workload.pk).update(state="matched")
    return Placement.objects.create(
        run=run,
        workload=workload,
        pool=pool,
        starts_at=START,
        ends_at=ends_at,
        segments=[[START.isoformat(), ends_at.isoformat()]],
        price_fen=500 * workload.units * workload.duration_hours,
        voucher_fen=voucher_fen,
        price_fen_per_unit_hour=500,
        energy_kwh=Decimal("3.6"),
        carbon_kg=Decimal("1.8"),
        explanation={},
        valid_until=START,
    )


def make_job(*, units: int = 2, hours: int = 3) -> Job:
    workload = make_workload(units=units, hours=hours)
    placement = make_placement(make_pool(), workload)
    allocation = allocate_capacity(placement=placement, actor=SYSTEM, at=NOW)
    return create_job(allocation=allocation, actor=SYSTEM, at=NOW)
