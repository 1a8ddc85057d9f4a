"""What usage costs, and how the price splits between voucher and enterprise. Pure.

Amounts are integer fen; accelerator-hours are Decimal. A product is rounded half up to a fen once,
at the charge, never in between.
"""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal


@dataclass(frozen=True)
class Split:
    """A price and who pays it: `total_fen` = `voucher_fen` + `own_fen`."""

    total_fen: int
    voucher_fen: int

    @property
    def own_fen(self) -> int:
        return self.total_fen - self.voucher_fen


def usage_price_fen(accelerator_hours: Decimal, price_fen_per_unit_hour: int) -> int:
    """The price of metered usage in fen, rounded half up."""
    product = accelerator_hours * price_fen_per_unit_hour
    return int(product.quantize(Decimal(1), rounding=ROUND_HALF_UP))


def split_charge(total_fen: int, *, quoted_total_fen: int, quoted_voucher_fen: int) -> Split:
    """Split a charge as the quote split its price; the voucher's part is rounded down.

    A charge beyond the quote never takes more from the voucher than the quote promised.
    """
    if quoted_total_fen <= 0:
        return Split(total_fen, 0)
    share = min(total_fen, quoted_total_fen) * quoted_voucher_fen // quoted_total_fen
    return Split(total_fen, share)
