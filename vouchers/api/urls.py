"""The programme office's addresses under /api/v1/."""

from rest_framework.routers import SimpleRouter

from vouchers.api import (
    applications,
    awards,
    claims,
    programmes,
    recomputations,
    regions,
    simulations,
    vouchers,
    windows,
)

router = SimpleRouter(trailing_slash=False)
router.register("presets", programmes.PresetViewSet)
router.register("programmes", programmes.ProgrammeViewSet)
router.register("policy-versions", programmes.PolicyVersionViewSet)
router.register("entitlements", applications.EntitlementViewSet)
router.register("applications", applications.ApplicationViewSet)
router.register("vouchers", vouchers.VoucherViewSet)
router.register("redemptions", vouchers.RedemptionViewSet)
router.register("subsidy-awards", awards.SubsidyAwardViewSet)
router.register("award-corrections", awards.AwardCorrectionViewSet)
router.register("acceptance-agreements", regions.AcceptanceAgreementViewSet)
router.register("clearing-entries", regions.ClearingEntryViewSet)
router.register("regional-clearings", regions.RegionalClearingViewSet)
router.register("combined-answers", simulations.CombinedAnswerViewSet)
router.register("rule-test-cases", simulations.RuleTestCaseViewSet)
router.register("simulation-runs", simulations.SimulationRunViewSet)
router.register("recomputations", recomputations.RecomputationViewSet)
router.register("claims", claims.ClaimViewSet)
router.register("public-notices", claims.PublicNoticeViewSet, basename="public-notice")
router.register("award-notices", claims.AwardNoticeViewSet, basename="award-notice")
router.register("objections", claims.ObjectionViewSet)
router.register("claim-windows", windows.ClaimWindowViewSet)
router.register("window-answers", windows.WindowAnswerViewSet)

urlpatterns = router.urls
