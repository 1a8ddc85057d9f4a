"""An enterprise with a voucher, a placement it may accept, and the job that follows."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count

from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from audit.decisions import SYSTEM, Actor
from marketplace.actions.accept_placement import accept_placement
from marketplace.actions.charge_order import charge_order
from marketplace.models import Charge, Order
from providers.models import Pool
from scheduling.actions.create_job import create_job
from scheduling.models import Allocation, Job, Placement, UsageRecord, Workload
from tests.factories import NOW
from tests.scheduling.builders import START, make_placement, make_pool, make_workload
from tests.vouchers.office import Office, make_office, make_voucher, organization_of
from tests.vouchers.rules.sheets import WAN
from vouchers.models import Voucher

_numbers = count(1)


@dataclass(frozen=True)
class Buyer:
    """An enterprise's applicant and its voucher, which pays a fifth of an order."""

    office: Office
    actor: Actor
    voucher: Voucher


def make_buyer(*, face_fen: int = 1 * WAN) -> Buyer:
    office = make_office()
    voucher, actor = make_voucher(office, face_fen=face_fen)
    voucher.refresh_from_db()
    return Buyer(office, actor, voucher)


def offer(
    buyer: Buyer,
    pool: Pool | None = None,
    *,
    units: int = 2,
    hours: int = 3,
    voucher_fen: int = 600,
) -> Placement:
    """A proposed placement of 500 fen a unit-hour, of which the voucher pays `voucher_fen`."""
    workload = make_workload(enterprise=organization_of(buyer.actor), units=units, hours=hours)
    if voucher_fen:
        workload.voucher_terms = {"voucher_id": buyer.voucher.pk}
        workload.save(update_fields=["voucher_terms"])
    placement = make_placement(pool or make_pool(), workload, voucher_fen=voucher_fen)
    workload.refresh_from_db()
    placement.workload = workload
    return placement


def accept(buyer: Buyer, placement: Placement, at: datetime = NOW) -> Order:
    return accept_placement(placement=placement, actor=buyer.actor, at=at)


def place(buyer: Buyer, **how: object) -> Order:
    """An order whose job has been created."""
    order = accept(buyer, offer(buyer, **how))
    create_job(allocation=order.allocation, actor=SYSTEM, at=NOW)
    return order


def complete(order: Order, *, hours: str, energy_kwh: str | None = "1.8") -> Job:
    """The platform metered `hours` accelerator-hours in all and said the job is complete."""
    job = Job.objects.get(allocation=order.allocation_id)
    meter(job, hours, energy_kwh)
    Job.objects.filter(pk=job.pk).update(state="COMPLETE")
    Allocation.objects.filter(pk=order.allocation_id).update(state="completed")
    Workload.objects.filter(pk=order.placement.workload_id).update(state="completed")
    job.refresh_from_db()
    return job


def meter(job: Job, hours: str, energy_kwh: str | None, *, state: str = "accepted") -> None:
    number = next(_numbers)
    starts_at = START + timedelta(hours=number)
    UsageRecord.objects.create(
        job=job,
        source="test",
        event_id=f"usage-{number}",
        meter=f"meter-{job.pk}",
        period=DateTimeTZRange(starts_at, starts_at + timedelta(hours=1)),
        accelerator_hours=Decimal(hours),
        energy_kwh=None if energy_kwh is None else Decimal(energy_kwh),
        state=state,
        simulated=True,
    )


def charge(order: Order) -> Charge:
    return charge_order(order=order, actor=SYSTEM, at=NOW)


def charged(buyer: Buyer, *, hours: str = "6") -> Charge:
    """An order run and charged; the whole of it unless `hours` says less."""
    order = place(buyer)
    complete(order, hours=hours)
    return charge(order)
