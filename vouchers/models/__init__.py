"""What the programme office keeps."""

from vouchers.models.applications import Application, EntitlementAnswer
from vouchers.models.awards import SubsidyAward
from vouchers.models.programmes import PolicyVersion, Preset, Programme
from vouchers.models.vouchers import Redemption, Voucher

__all__ = [
    "Application",
    "EntitlementAnswer",
    "PolicyVersion",
    "Preset",
    "Programme",
    "Redemption",
    "SubsidyAward",
    "Voucher",
]
