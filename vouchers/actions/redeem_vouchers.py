"""Redeem at once what vouchers pay for orders: a batch in one round trip, no hold before it.

    redeem_batch(requests jsonb, at timestamptz)
        RETURNS TABLE (ordinal int, order_reference text, outcome text, redemption_id bigint,
                       detail text)

`requests` is an array of {voucher_id, order_reference, provider_id, amount_fen, person_id,
organization_id, label}; the last three say who asks. `outcome` is

    redeemed     now: transfer, redemption and audit event are written
    replayed     this order was redeemed before, alike; the first redemption's id
    conflict     this order was redeemed before with another voucher, amount or provider
    exhausted    the voucher does not hold the amount; what is reserved counts as gone
    quota_spent  the envelope's redemption quota does not (where it has one: add_redemption_quota)
    not_the_holder, not_usable, expired, no_such_provider, invalid, closed

Requests of a batch are answered as if they came one by one in the given order, and a refused one
fails no neighbor (docs/decisions/0008-one-writer.md). The SQL does not read the policy's terms:
`redeem_voucher` does, before it asks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction

from audit.canonical import canonical_json
from audit.decisions import Actor, Invalid, StaleState
from audit.outbox import doorbell
from identity.models import Organization
from ledger.refusals import ReferenceReused
from vouchers.actions.accept_spending import accept_spending, acceptance_for
from vouchers.actions.quote_voucher_part import one_order_at_a_time, quote_voucher_part
from vouchers.models import Redemption, Voucher
from vouchers.refusals import (
    NotTheHolder,
    PartTooLarge,
    QuotaSpent,
    VoucherExhausted,
    VoucherExpired,
    VoucherNotUsable,
)


@dataclass(frozen=True)
class Wish:
    """That voucher `voucher_id` pays `amount_fen` of order `order_reference` to a provider."""

    voucher_id: int
    order_reference: str
    provider_id: int
    amount_fen: int
    actor: Actor


@dataclass(frozen=True)
class Outcome:
    """What became of a wish; the names are told above."""

    order_reference: str
    outcome: str
    redemption_id: int | None
    detail: str | None


def redeem_batch(wishes: Sequence[Wish], *, at: datetime) -> list[Outcome]:
    """Answer `wishes` in order, in one round trip. Refuses by outcome, never raises for one."""
    requests = [
        {
            "voucher_id": wish.voucher_id,
            "order_reference": wish.order_reference,
            "provider_id": wish.provider_id,
            "amount_fen": wish.amount_fen,
            "person_id": wish.actor.person_id,
            "organization_id": wish.actor.organization_id,
            "label": wish.actor.label,
        }
        for wish in wishes
    ]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT order_reference, outcome, redemption_id, detail"
            " FROM redeem_batch(%s::jsonb, %s) ORDER BY ordinal",
            [canonical_json(requests), at],
        )
        answers = [Outcome(*row) for row in cursor.fetchall()]
    if any(answer.outcome == "redeemed" for answer in answers):
        connection.on_commit(doorbell.ring, robust=True)
    return answers


@transaction.atomic
def redeem_voucher(
    *,
    voucher: Voucher,
    order_reference: str,
    order_amount_fen: int,
    amount_fen: int,
    provider: Organization,
    actor: Actor,
    at: datetime,
) -> Redemption:
    """Let `voucher` pay `amount_fen` of an order of `order_amount_fen`, if its terms allow it.

    The same order again returns the first redemption. Raises PartTooLarge, NotTheHolder,
    VoucherNotUsable, VoucherExpired, VoucherExhausted, QuotaSpent, ReferenceReused, Invalid,
    SpentOutside, AcceptanceCapReached.
    """
    if actor.organization_id != voucher.holder_id:
        raise NotTheHolder()
    agreement = acceptance_for(voucher, spent_in=provider.adcode, at=at)
    one_order_at_a_time(voucher)
    part = quote_voucher_part(
        voucher=voucher,
        order_amount_fen=order_amount_fen,
        provider=provider,
        at=at,
        available_fen=voucher.face_fen,  # what is left is judged under the lock
    )
    if (
        amount_fen > part.amount_fen
        and not Redemption.objects.filter(order_reference=order_reference).exists()
    ):
        raise PartTooLarge(
            most_fen=part.amount_fen,
            why="; ".join(step.text_en for step in part.steps),
            why_zh="；".join(step.text_zh for step in part.steps),
        )
    wish = Wish(voucher.pk, order_reference, provider.pk, amount_fen, actor)
    (answer,) = redeem_batch([wish], at=at)
    if answer.outcome not in ("redeemed", "replayed"):
        raise _refusal(answer, voucher, amount_fen)
    assert answer.redemption_id is not None
    redemption = Redemption.objects.get(pk=answer.redemption_id)
    redemption.voucher, redemption.version = voucher, voucher.version
    redemption.provider = provider
    if agreement is not None and answer.outcome == "redeemed":
        accept_spending(
            redemption=redemption,
            agreement=agreement,
            amount_fen=amount_fen,
            spent_in=provider.adcode,
            actor=actor,
            at=at,
        )
    return redemption


def _refusal(answer: Outcome, voucher: Voucher, amount_fen: int) -> Exception:
    match answer.outcome:
        case "conflict":
            return ReferenceReused(reference=answer.order_reference)
        case "exhausted":
            return VoucherExhausted(serial=voucher.serial, amount_fen=amount_fen)
        case "quota_spent":
            return QuotaSpent(amount_fen=amount_fen)
        case "expired":
            return VoucherExpired(serial=voucher.serial, valid_until=answer.detail)
        case "not_usable":
            return VoucherNotUsable(serial=voucher.serial, current=answer.detail)
        case "not_the_holder":
            return NotTheHolder()
        case "no_such_provider":
            return Invalid("provider", "there is no such provider", "没有这个供应方")
        case "closed":
            return StaleState(thing="book", current="closed", needed="open")
    return Invalid("amount_fen", "a positive whole number of fen", "须为正整数（分）")
