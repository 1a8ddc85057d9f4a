"""What a voucher promises a workload, for a matcher that knows no vouchers."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from vouchers.actions.quote_voucher_part import quote_voucher_part
from vouchers.models import Voucher


def matching_terms(voucher: Voucher, *, at: datetime) -> dict[str, Any]:
    """What `voucher` promises a workload, as data for the matcher.

    `rate` is the share it would pay of a small order (the policy's marginal rate there), as a
    decimal text; `available_fen` what is left and not held.
    """
    probe_fen = 1_000_000
    available = voucher.available.balance_fen if voucher.available else 0
    part = quote_voucher_part(
        voucher=voucher, order_amount_fen=probe_fen, provider=None, at=at, available_fen=probe_fen
    )
    rate = Decimal(part.amount_fen) / probe_fen
    return {
        "voucher_id": voucher.pk,
        "serial": voucher.serial,
        "version": voucher.version.label,
        "rate": format(rate, "f"),
        "regions": [],
        "cap_fen": available,
        "available_fen": available,
    }
