"""Where a voucher may be spent: at home, or where an agreement in force accepts it."""

from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import Q

from audit.actions.record import record
from audit.decisions import Actor
from vouchers.models import AcceptanceAgreement, AcceptedSpending, Redemption, Voucher
from vouchers.queries import SHANGHAI, terms_of
from vouchers.refusals import AcceptanceCapReached, SpentOutside
from vouchers.rules.eligibility import lies_within


def agreements_for(voucher: Voucher, *, at: datetime) -> list[AcceptanceAgreement]:
    """The agreements in force at `at` under which `voucher` may be spent elsewhere."""
    day = at.astimezone(SHANGHAI).date()
    rows = AcceptanceAgreement.objects.filter(
        Q(programmes__isnull=True) | Q(programmes=voucher.programme_id),
        issuer=voucher.programme.issuer_id,
        state="in_force",
        first_day__lte=day,
        last_day__gte=day,
    )
    return list(rows.select_related("spender").distinct().order_by("pk"))


def home_of(voucher: Voucher) -> tuple[str, ...]:
    """The regions the terms themselves allow; () where they name none: anywhere."""
    clause = terms_of(voucher.version).clause("cross_region")
    home = clause.get("spend_within")
    return () if home is None else (home, *clause.get("accepted_in", ()))


def acceptance_for(voucher: Voucher, *, spent_in: str, at: datetime) -> AcceptanceAgreement | None:
    """The agreement a spending in `spent_in` (GB/T 2260) needs; None where the terms allow it.

    The narrowest region wins where several accept it. Raises SpentOutside, naming the clause.
    """
    home = home_of(voucher)
    if not home or any(lies_within(spent_in, region) for region in home):
        return None
    found = [
        each
        for each in agreements_for(voucher, at=at)
        if lies_within(spent_in, each.spender.adcode)
    ]
    if not found:
        raise SpentOutside(
            field="provider", clause="/cross_region/spend_within", home=home[0], place=spent_in
        )
    return min(found, key=lambda each: (each.spender.adcode.endswith("0000"), each.pk))


@transaction.atomic
def accept_spending(
    *,
    redemption: Redemption,
    agreement: AcceptanceAgreement,
    amount_fen: int,
    spent_in: str,
    actor: Actor,
    at: datetime,
) -> AcceptedSpending:
    """Count `redemption` against the agreement's cap. Raises AcceptanceCapReached."""
    try:
        with transaction.atomic():
            accepted = AcceptedSpending.objects.create(
                redemption=redemption,
                agreement=agreement,
                amount_fen=amount_fen,
                spent_in=spent_in,
                accepted_at=at,
            )
    except IntegrityError as error:
        raise AcceptanceCapReached(amount_fen=amount_fen) from error
    record(
        "spending.accepted",
        subject=redemption,
        actor=actor,
        at=at,
        data={"agreement": agreement.pk, "amount_fen": amount_fen, "spent_in": spent_in},
    )
    return accepted
