"""Usage becomes a charge: the hold is redeemed for the voucher's part, the rest is released."""

from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import Sum

from audit.actions.record import record
from audit.decisions import Actor, StaleState
from marketplace.models import Charge, Order, Payment
from marketplace.pricing import split_charge, usage_price_fen
from scheduling.models import Job, UsageRecord
from vouchers.actions.commit_redemption import commit_redemption, release_redemption


@transaction.atomic
def charge_order(*, order: Order, actor: Actor, at: datetime) -> Charge:
    """Charge a completed order for its accepted usage, at the price it was ordered at.

    Never more than the order's price. A second call returns the first charge. Raises StaleState
    unless the job is complete and the order was not cancelled meanwhile.
    """
    order = Order.objects.select_for_update().get(pk=order.pk)
    existing = Charge.objects.filter(order=order).first()
    if existing is not None:
        return existing
    if order.state != Order.State.PLACED:
        raise StaleState(thing="order", current=order.state, needed="placed")
    job = Job.objects.get(allocation_id=order.allocation_id)
    if job.state != Job.State.COMPLETE:
        raise StaleState(thing="job", current=job.state, needed="COMPLETE")
    hours, energy_kwh = _metered(job)
    placement = order.placement
    total_fen = min(usage_price_fen(hours, placement.price_fen_per_unit_hour), order.price_fen)
    split = split_charge(
        total_fen, quoted_total_fen=order.price_fen, quoted_voucher_fen=order.voucher_fen
    )
    if order.redemption is not None:
        if split.voucher_fen:
            commit_redemption(
                redemption=order.redemption, amount_fen=split.voucher_fen, actor=actor, at=at
            )
        else:
            release_redemption(redemption=order.redemption, actor=actor, at=at)
    charge = Charge.objects.create(
        order=order,
        accelerator_hours=hours,
        energy_kwh=energy_kwh,
        carbon_kg=_carbon_kg(order, energy_kwh),
        total_fen=split.total_fen,
        voucher_fen=split.voucher_fen,
        own_fen=split.own_fen,
        charged_at=at,
    )
    Order.objects.filter(pk=order.pk).update(state="charged")
    if split.own_fen:
        Payment.objects.create(charge=charge, amount_fen=split.own_fen)
    record(
        "order.charged",
        subject=charge,
        actor=actor,
        at=at,
        data={
            "order_id": order.pk,
            "accelerator_hours": hours,
            "total_fen": split.total_fen,
            "voucher_fen": split.voucher_fen,
            "own_fen": split.own_fen,
        },
    )
    return charge


def _metered(job: Job) -> tuple[Decimal, Decimal | None]:
    """Accepted accelerator-hours and energy; energy is unknown if any interval lacks it."""
    accepted = UsageRecord.objects.filter(job=job, state="accepted")
    hours = accepted.aggregate(sum=Sum("accelerator_hours"))["sum"] or Decimal(0)
    if accepted.filter(energy_kwh__isnull=True).exists():
        return hours, None
    return hours, accepted.aggregate(sum=Sum("energy_kwh"))["sum"]


def _carbon_kg(order: Order, energy_kwh: Decimal | None) -> Decimal | None:
    """Metered energy at the carbon intensity of the placement (kg per planned kWh)."""
    placement = order.placement
    if energy_kwh is None or placement.carbon_kg is None or not placement.energy_kwh:
        return None
    return (energy_kwh * placement.carbon_kg / placement.energy_kwh).quantize(Decimal("0.000001"))
