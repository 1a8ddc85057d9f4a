"""The programme office's back office: officers look; things change by actions only."""

from django.contrib import admin

from audit.read_only_admin import ReadOnlyAdmin
from vouchers.models import (
    AcceptanceAgreement,
    AcceptedSpending,
    Application,
    AwardBasis,
    AwardCorrection,
    AwardReview,
    Claim,
    ClaimEvidence,
    ClaimReview,
    ClaimWindow,
    ClearingEntry,
    CombinedAnswer,
    Difference,
    EntitlementAnswer,
    Objection,
    PolicyVersion,
    Preset,
    Programme,
    Recomputation,
    Redemption,
    RegionalClearing,
    RuleTestCase,
    SettlementLine,
    SettlementMember,
    SettlementSum,
    SimulationRun,
    SubsidyAward,
    Voucher,
    WindowAdmission,
    WindowAnswer,
    YearSettlement,
)


@admin.register(Preset)
class PresetAdmin(ReadOnlyAdmin):
    list_display = ["id", "name_zh", "name_en", "region_zh", "kind", "evidence", "openable"]
    list_filter = ["openable", "evidence", "kind"]
    search_fields = ["id", "name_zh", "name_en", "region_zh"]


@admin.register(Programme)
class ProgrammeAdmin(ReadOnlyAdmin):
    list_display = ["code", "name", "issuer", "preset", "envelope", "state"]
    list_filter = ["state"]
    list_select_related = ["issuer", "preset", "envelope"]
    search_fields = ["code", "name"]


@admin.register(PolicyVersion)
class PolicyVersionAdmin(ReadOnlyAdmin):
    list_display = [
        "__str__",
        "state",
        "drafted_by",
        "approved_by_1",
        "approved_by_2",
        "approved_by_3",
    ]
    list_filter = ["state"]
    list_select_related = [
        "programme",
        "drafted_by",
        "approved_by_1",
        "approved_by_2",
        "approved_by_3",
    ]


@admin.register(EntitlementAnswer)
class EntitlementAnswerAdmin(ReadOnlyAdmin):
    list_display = ["enterprise", "version", "asked_at", "digest"]
    list_select_related = ["enterprise", "version__programme"]


@admin.register(Application)
class ApplicationAdmin(ReadOnlyAdmin):
    list_display = ["applicant", "programme", "amount_fen", "state", "reviewed_by", "approved_by"]
    list_filter = ["state"]
    list_select_related = ["applicant", "programme", "reviewed_by", "approved_by"]
    search_fields = ["applicant__name", "applicant__uscc"]


@admin.register(Voucher)
class VoucherAdmin(ReadOnlyAdmin):
    list_display = ["serial", "holder", "programme", "face_fen", "valid_until", "state"]
    list_filter = ["state", "programme"]
    list_select_related = ["holder", "programme"]
    search_fields = ["serial", "holder__name", "holder__uscc"]


@admin.register(Redemption)
class RedemptionAdmin(ReadOnlyAdmin):
    list_display = [
        "order_reference",
        "voucher",
        "provider",
        "reserved_fen",
        "committed_fen",
        "returned_fen",
        "state",
    ]
    list_filter = ["state"]
    list_select_related = ["voucher", "provider"]
    search_fields = ["order_reference", "voucher__serial"]


@admin.register(SubsidyAward)
class SubsidyAwardAdmin(ReadOnlyAdmin):
    list_display = ["beneficiary", "version", "period_start", "period_end", "amount_fen", "state"]
    list_filter = ["state"]
    list_select_related = ["beneficiary", "version__programme"]


@admin.register(AwardReview)
class AwardReviewAdmin(ReadOnlyAdmin):
    list_display = ["award", "position", "stage", "reviewer", "reviewed_at"]
    list_filter = ["stage"]
    list_select_related = ["award__beneficiary", "reviewer"]


@admin.register(AwardBasis)
class AwardBasisAdmin(ReadOnlyAdmin):
    list_display = ["award", "number", "basis_fen", "digest", "gathered_at"]
    list_select_related = ["award__beneficiary"]


@admin.register(AwardCorrection)
class AwardCorrectionAdmin(ReadOnlyAdmin):
    list_display = ["award", "cause", "before_fen", "now_fen", "difference_fen", "state"]
    list_filter = ["state"]
    list_select_related = ["award__beneficiary"]


@admin.register(ClaimWindow)
class ClaimWindowAdmin(ReadOnlyAdmin):
    list_display = ["name", "programme", "order", "tranche_fen", "opens_at", "closes_at", "state"]
    list_filter = ["state", "order"]
    list_select_related = ["programme"]
    search_fields = ["name", "programme__code"]


@admin.register(WindowAdmission)
class WindowAdmissionAdmin(ReadOnlyAdmin):
    list_display = ["window", "enterprise", "amount_fen", "admitted_at"]
    list_filter = ["window"]
    list_select_related = ["window", "enterprise"]
    search_fields = ["enterprise__name", "enterprise__uscc"]


@admin.register(WindowAnswer)
class WindowAnswerAdmin(ReadOnlyAdmin):
    list_display = ["window", "place", "enterprise", "asked_fen", "granted_fen", "state"]
    list_filter = ["state", "window"]
    list_select_related = ["window", "enterprise"]
    search_fields = ["enterprise__name", "enterprise__uscc"]


@admin.register(Claim)
class ClaimAdmin(ReadOnlyAdmin):
    list_display = ["id", "claimant", "programme", "amount_fen", "state", "submitted_at"]
    list_filter = ["state", "programme"]
    list_select_related = ["claimant", "programme"]
    search_fields = ["claimant__name", "claimant__uscc", "evidence__number"]


@admin.register(ClaimReview)
class ClaimReviewAdmin(ReadOnlyAdmin):
    list_display = ["claim", "round", "stage", "outcome", "reviewer", "reviewed_at"]
    list_filter = ["outcome", "stage"]
    list_select_related = ["claim__claimant", "claim__programme", "reviewer"]


@admin.register(Objection)
class ObjectionAdmin(ReadOnlyAdmin):
    list_display = ["claim", "award", "raised_at", "state", "decided_by"]
    list_filter = ["state"]
    list_select_related = [
        "claim__claimant",
        "claim__programme",
        "award__beneficiary",
        "decided_by",
    ]


@admin.register(ClaimEvidence)
class ClaimEvidenceAdmin(ReadOnlyAdmin):
    list_display = ["claim", "kind", "number", "amount_fen", "dated_on", "standing"]
    list_filter = ["kind", "standing"]
    list_select_related = ["claim__claimant", "claim__programme"]
    search_fields = ["number"]


@admin.register(RuleTestCase)
class RuleTestCaseAdmin(ReadOnlyAdmin):
    list_display = ["version", "name", "asked_at", "expected_fen", "computed_fen"]
    list_select_related = ["version__programme"]


@admin.register(SimulationRun)
class SimulationRunAdmin(ReadOnlyAdmin):
    list_display = ["version", "data_set", "source", "claims", "cost_fen", "run_by", "run_at"]
    list_filter = ["source"]
    list_select_related = ["version__programme", "run_by"]


@admin.register(Recomputation)
class RecomputationAdmin(ReadOnlyAdmin):
    list_display = ["version", "examined", "undecidable", "more_fen", "less_fen", "computed_at"]
    list_select_related = ["version__programme"]


@admin.register(Difference)
class DifferenceAdmin(ReadOnlyAdmin):
    list_display = ["beneficiary", "recomputation", "before_fen", "after_fen", "state"]
    list_filter = ["state"]
    list_select_related = ["beneficiary", "recomputation__version__programme"]


@admin.register(CombinedAnswer)
class CombinedAnswerAdmin(ReadOnlyAdmin):
    list_display = ["enterprise", "asked_at"]
    list_select_related = ["enterprise"]


@admin.register(YearSettlement)
class YearSettlementAdmin(ReadOnlyAdmin):
    list_display = ["book", "version", "state", "next_posting", "last_posting", "opened_at"]
    list_filter = ["state"]
    list_select_related = ["book", "version__programme"]


@admin.register(SettlementLine)
class SettlementLineAdmin(ReadOnlyAdmin):
    list_display = ["settlement", "organization", "is_platform", "earned_fen", "award"]
    list_filter = ["is_platform", "settlement"]
    list_select_related = ["settlement__book", "organization", "award__beneficiary"]


@admin.register(SettlementMember)
class SettlementMemberAdmin(ReadOnlyAdmin):
    list_display = ["settlement", "platform", "provider"]
    list_select_related = ["settlement__book", "platform", "provider"]


@admin.register(SettlementSum)
class SettlementSumAdmin(ReadOnlyAdmin):
    list_display = ["settlement", "first_posting", "account", "fen", "postings"]
    list_select_related = ["settlement__book", "account"]


@admin.register(AcceptanceAgreement)
class AcceptanceAgreementAdmin(ReadOnlyAdmin):
    list_display = ["issuer", "spender", "first_day", "last_day", "rate", "cap_fen", "state"]
    list_filter = ["state"]
    list_select_related = ["issuer", "spender"]


@admin.register(AcceptedSpending)
class AcceptedSpendingAdmin(ReadOnlyAdmin):
    list_display = ["redemption", "agreement", "amount_fen", "spent_in", "accepted_at"]
    list_select_related = ["redemption", "agreement__issuer", "agreement__spender"]


@admin.register(ClearingEntry)
class ClearingEntryAdmin(ReadOnlyAdmin):
    list_display = ["reference", "kind", "debtor", "creditor", "amount_fen", "clearing", "dispute"]
    list_filter = ["kind"]
    list_select_related = ["debtor", "creditor", "clearing__one", "clearing__other"]


@admin.register(RegionalClearing)
class RegionalClearingAdmin(ReadOnlyAdmin):
    list_display = ["one", "other", "budget_year", "number", "one_owes_fen", "other_owes_fen"]
    list_filter = ["state", "budget_year"]
    list_select_related = ["one", "other"]
