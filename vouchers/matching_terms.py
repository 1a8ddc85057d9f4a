"""What a voucher promises a workload, for a matcher that knows no vouchers."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from vouchers.actions.accept_spending import agreements_for, home_of
from vouchers.actions.quote_voucher_part import quote_voucher_part
from vouchers.models import Voucher


def matching_terms(voucher: Voucher, *, at: datetime) -> dict[str, Any]:
    """What `voucher` promises a workload, as data for the matcher.

    `rate` is the share it would pay of a small order (the policy's marginal rate there), as a
    decimal text; `available_fen` what is left and not held.
    `regions` are where it is spendable at that rate: home and where an agreement accepts it whole
    (empty: anywhere). One accepted for less is quoted by order and never promised to the matcher.
    """
    probe_fen = 1_000_000
    available = voucher.available.balance_fen if voucher.available else 0
    part = quote_voucher_part(
        voucher=voucher, order_amount_fen=probe_fen, provider=None, at=at, available_fen=probe_fen
    )
    rate = Decimal(part.amount_fen) / probe_fen
    home = home_of(voucher)
    accepted = agreements_for(voucher, at=at) if home else []
    return {
        "voucher_id": voucher.pk,
        "serial": voucher.serial,
        "version": voucher.version.label,
        "rate": format(rate, "f"),
        "regions": sorted(
            {*home, *(each.spender.adcode for each in accepted if each.rate == 1)} if home else ()
        ),
        "cap_fen": available,
        "available_fen": available,
    }
