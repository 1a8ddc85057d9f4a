"""What of this room an auditor takes home."""

from audit.bundle import table_of
from vouchers.models import Redemption, SubsidyAward, Voucher

EXPORTS = [
    table_of("vouchers", Voucher),
    table_of("redemptions", Redemption, at="reserved_at"),
    table_of("subsidy_awards", SubsidyAward, at="proposed_at"),
]
