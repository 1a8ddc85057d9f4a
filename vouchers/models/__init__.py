"""What the programme office keeps."""

from vouchers.models.applications import Application, EntitlementAnswer
from vouchers.models.awards import SubsidyAward
from vouchers.models.claims import Claim, ClaimEvidence, ClaimReview, Objection
from vouchers.models.programmes import PolicyVersion, Preset, Programme
from vouchers.models.vouchers import Redemption, Voucher
from vouchers.models.windows import ClaimWindow, WindowAdmission, WindowAnswer

__all__ = [
    "Application",
    "Claim",
    "ClaimEvidence",
    "ClaimReview",
    "ClaimWindow",
    "EntitlementAnswer",
    "Objection",
    "PolicyVersion",
    "Preset",
    "Programme",
    "Redemption",
    "SubsidyAward",
    "Voucher",
    "WindowAdmission",
    "WindowAnswer",
]
