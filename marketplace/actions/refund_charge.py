"""Give back part of a charge: the voucher's part to the voucher, the rest to the enterprise."""

from datetime import datetime

from django.db import transaction
from django.db.models import Sum

from audit.actions.record import record
from audit.decisions import Actor, Invalid, StaleState
from identity.policy import require_role
from identity.roles import Role
from ledger.refusals import ReferenceReused
from marketplace.models import Charge, Payment, Refund
from marketplace.refusals import RefundAfterPayable, RefundBeyondCharge
from vouchers.actions.return_redeemed import return_redeemed
from vouchers.models import Redemption


@transaction.atomic
def refund_charge(
    *,
    charge: Charge,
    amount_fen: int,
    reference: str,
    reason: str,
    actor: Actor,
    at: datetime,
) -> Refund:
    """Refund `amount_fen` of `charge`, split as the charge was; the gateway sends the own part.

    All refunds of a charge together are split as one refund of their sum would be, so that many
    small ones round no further than one. The same `reference` and amount returns the first refund.
    Raises Invalid, ReferenceReused, RefundBeyondCharge, RefundAfterPayable, or StaleState while
    the enterprise's part is not paid.
    """
    require_role(actor, Role.PROVIDER_ADMIN)
    if amount_fen <= 0:
        raise Invalid("amount_fen", "must be positive", "应为正数")
    charge = Charge.objects.select_for_update().get(pk=charge.pk)
    if (earlier := Refund.objects.filter(reference=reference).first()) is not None:
        if (earlier.charge_id, earlier.total_fen) != (charge.pk, amount_fen):
            raise ReferenceReused(reference=reference)
        return earlier
    voucher_fen, own_fen = _split(charge, amount_fen)
    if own_fen:
        _require_paid(charge)
    refund = Refund.objects.create(
        reference=reference,
        charge=charge,
        total_fen=amount_fen,
        voucher_fen=voucher_fen,
        own_fen=own_fen,
        reason=reason,
        person_id=actor.person_id,
        granted_at=at,
    )
    if voucher_fen:
        _return_to_voucher(charge, refund, actor, at)
    if not own_fen:
        refund.state = Refund.State.SUCCEEDED
        refund.save(update_fields=["state"])
    record(
        "refund.granted",
        subject=refund,
        actor=actor,
        at=at,
        data={
            "charge_id": charge.pk,
            "voucher_fen": voucher_fen,
            "own_fen": own_fen,
            "reason": reason,
        },
    )
    return refund


def _split(charge: Charge, amount_fen: int) -> tuple[int, int]:
    """What goes to the voucher and what to the enterprise, in fen; Σ = `amount_fen`."""
    before = charge.refunds.aggregate(total=Sum("total_fen"), voucher=Sum("voucher_fen"))
    refunded_fen = before["total"] or 0
    if refunded_fen + amount_fen > charge.total_fen:
        raise RefundBeyondCharge(left_fen=charge.total_fen - refunded_fen)
    to_voucher_in_all = (refunded_fen + amount_fen) * charge.voucher_fen // charge.total_fen
    voucher_fen = to_voucher_in_all - (before["voucher"] or 0)
    return voucher_fen, amount_fen - voucher_fen


def _require_paid(charge: Charge) -> None:
    payment = Payment.objects.get(charge=charge)
    if payment.state != Payment.State.SUCCEEDED:
        raise StaleState(thing="payment", current=payment.state, needed="succeeded")


def _return_to_voucher(charge: Charge, refund: Refund, actor: Actor, at: datetime) -> None:
    redemption = charge.order.redemption
    if redemption is None:  # the database holds that a voucher's part has one
        raise StaleState(thing="redemption", current="none", needed="committed")
    if redemption.state != Redemption.State.COMMITTED:
        raise RefundAfterPayable(state=redemption.state)
    return_redeemed(
        redemption=redemption,
        amount_fen=refund.voucher_fen,
        reference=f"refund:{refund.pk}",
        actor=actor,
        at=at,
    )
