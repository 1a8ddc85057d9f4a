"""Accept a placement: the voucher's hold and the capacity, in one transaction, both or neither."""

from datetime import datetime, timedelta

from django.db import transaction

from audit.actions.record import record
from audit.decisions import Actor, StaleState
from identity.policy import require_role
from identity.roles import Role
from marketplace.models import Order
from marketplace.refusals import VoucherPartChanged
from scheduling.actions.allocate_capacity import allocate_capacity
from scheduling.models import Placement
from vouchers.actions.quote_voucher_part import one_order_at_a_time, quote_voucher_part
from vouchers.actions.reserve_voucher import reserve_voucher
from vouchers.models import Redemption, Voucher

# How long after the workload's end the platform may take to report its usage.
REPORTING_GRACE = timedelta(days=30)


@transaction.atomic
def accept_placement(*, placement: Placement, actor: Actor, at: datetime) -> Order:
    """Order what the placement proposes, at the price and voucher part it showed.

    Raises VoucherPartChanged, and what allocate_capacity and reserve_voucher raise; a refusal
    leaves neither hold nor allocation.
    """
    require_role(actor, Role.ENTERPRISE_APPLICANT, Role.ENTERPRISE_APPROVER)
    workload, provider = placement.workload, placement.pool.facility.provider
    if placement.state != Placement.State.PROPOSED:
        raise StaleState(thing="placement", current=placement.state, needed="proposed")
    allocation = allocate_capacity(placement=placement, actor=actor, at=at)
    voucher, redemption = None, None
    if placement.voucher_fen and workload.voucher_terms:
        voucher = Voucher.objects.get(pk=workload.voucher_terms["voucher_id"])
        redemption = _hold(placement, voucher, actor, at)
    order = Order.objects.create(
        enterprise=workload.enterprise,
        provider=provider,
        placement=placement,
        allocation=allocation,
        voucher=voucher,
        redemption=redemption,
        price_fen=placement.price_fen,
        voucher_fen=placement.voucher_fen,
        placed_at=at,
    )
    record(
        "order.placed",
        subject=order,
        actor=actor,
        at=at,
        data={
            "placement_id": placement.pk,
            "price_fen": order.price_fen,
            "voucher_fen": order.voucher_fen,
            "redemption_id": redemption.pk if redemption else None,
        },
    )
    return order


def _hold(placement: Placement, voucher: Voucher, actor: Actor, at: datetime) -> Redemption:
    provider = placement.pool.facility.provider
    spent_in = placement.pool.facility.adcode
    one_order_at_a_time(voucher)
    part = quote_voucher_part(
        voucher=voucher,
        order_amount_fen=placement.price_fen,
        provider=provider,
        spent_in=spent_in,
        at=at,
    )
    if part.amount_fen < placement.voucher_fen:
        raise VoucherPartChanged(now_fen=part.amount_fen, quoted_fen=placement.voucher_fen)
    return reserve_voucher(
        voucher=voucher,
        order_reference=f"placement-{placement.pk}",
        amount_fen=placement.voucher_fen,
        provider=provider,
        spent_in=spent_in,
        deadline_at=placement.ends_at + REPORTING_GRACE,
        actor=actor,
        at=at,
    )
