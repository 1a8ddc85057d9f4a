"""What the programme office keeps."""

from vouchers.models.applications import Application, EntitlementAnswer
from vouchers.models.awards import AwardBasis, AwardCorrection, AwardReview, SubsidyAward
from vouchers.models.claims import Claim, ClaimEvidence, ClaimReview
from vouchers.models.combined_answers import CombinedAnswer
from vouchers.models.cross_region import (
    AcceptanceAgreement,
    AcceptedSpending,
    ClearingEntry,
    RegionalClearing,
)
from vouchers.models.objections import Objection
from vouchers.models.programmes import PolicyVersion, Preset, Programme
from vouchers.models.recomputations import Difference, Recomputation
from vouchers.models.settlements import (
    SettlementLine,
    SettlementMember,
    SettlementSum,
    YearSettlement,
)
from vouchers.models.simulations import RuleTestCase, SimulationRun
from vouchers.models.vouchers import Redemption, Voucher
from vouchers.models.windows import ClaimWindow, WindowAdmission, WindowAnswer

__all__ = [
    "AcceptanceAgreement",
    "AcceptedSpending",
    "Application",
    "AwardBasis",
    "AwardCorrection",
    "AwardReview",
    "Claim",
    "ClaimEvidence",
    "ClaimReview",
    "ClaimWindow",
    "ClearingEntry",
    "CombinedAnswer",
    "Difference",
    "EntitlementAnswer",
    "Objection",
    "PolicyVersion",
    "Preset",
    "Programme",
    "Recomputation",
    "Redemption",
    "RegionalClearing",
    "RuleTestCase",
    "SettlementLine",
    "SettlementMember",
    "SettlementSum",
    "SimulationRun",
    "SubsidyAward",
    "Voucher",
    "WindowAdmission",
    "WindowAnswer",
    "YearSettlement",
]
