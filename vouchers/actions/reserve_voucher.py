"""Set part of a voucher aside for an order: a hold that floors count, until its deadline."""

from datetime import datetime

from django.db import transaction

from audit.actions.record import record
from audit.decisions import Actor
from identity.models import Organization
from ledger.actions.place_hold import place_hold
from ledger.refusals import InsufficientFunds, ReferenceReused
from vouchers.actions.accept_spending import accept_spending, acceptance_for
from vouchers.models import Redemption, Voucher
from vouchers.refusals import NotTheHolder, VoucherExhausted, VoucherExpired, VoucherNotUsable


@transaction.atomic
def reserve_voucher(
    *,
    voucher: Voucher,
    order_reference: str,
    amount_fen: int,
    provider: Organization,
    deadline_at: datetime,
    actor: Actor,
    at: datetime,
    spent_in: str | None = None,
) -> Redemption:
    """Reserve `amount_fen` for `order_reference`; the same reference again returns the first.

    A voucher is read when it is locked, never before. `spent_in` is where the compute is (GB/T
    2260; the provider's own place unless told). Raises SpentOutside, AcceptanceCapReached,
    NotTheHolder, VoucherNotUsable,
    VoucherExpired (from the first instant after its last day in Shanghai), VoucherExhausted,
    ReferenceReused when the reference named another voucher, amount or provider.
    """
    voucher = (
        Voucher.objects.select_for_update(of=("self",), no_key=True)
        .select_related("version__programme", "available__book", "reserved__book")
        .get(pk=voucher.pk)
    )
    if actor.organization_id != voucher.holder_id:
        raise NotTheHolder()
    existing = Redemption.objects.filter(order_reference=order_reference).first()
    if existing is not None:
        first = (existing.voucher_id, existing.reserved_fen, existing.provider_id)
        if first != (voucher.pk, amount_fen, provider.pk):
            raise ReferenceReused(reference=order_reference)
        return existing
    if voucher.state != Voucher.State.CLAIMED:
        raise VoucherNotUsable(serial=voucher.serial, current=voucher.state)
    if at >= voucher.valid_until:
        raise VoucherExpired(serial=voucher.serial, valid_until=voucher.valid_until.isoformat())
    place = spent_in or provider.adcode
    agreement = acceptance_for(voucher, spent_in=place, at=at)
    assert voucher.available is not None
    assert voucher.reserved is not None
    try:
        hold = place_hold(
            reference=f"redemption:{order_reference}",
            source=voucher.available,
            held_in=voucher.reserved,
            amount_fen=amount_fen,
            deadline_at=deadline_at,
            actor=actor,
            at=at,
            policy_version=voucher.version.label,
        )
    except InsufficientFunds as refusal:
        raise VoucherExhausted(serial=voucher.serial, amount_fen=amount_fen) from refusal
    redemption = Redemption.objects.create(
        voucher=voucher,
        version=voucher.version,
        order_reference=order_reference,
        provider=provider,
        hold=hold,
        reserved_fen=amount_fen,
        reserved_at=at,
    )
    if agreement is not None:
        accept_spending(
            redemption=redemption,
            agreement=agreement,
            amount_fen=amount_fen,
            spent_in=place,
            actor=actor,
            at=at,
        )
    record(
        "redemption.reserved",
        subject=redemption,
        actor=actor,
        at=at,
        data={"voucher_id": voucher.pk, "amount_fen": amount_fen, "provider_id": provider.pk},
    )
    return redemption
