"""The treasury's back office: officers look; money moves by actions only."""

from django.contrib import admin

from audit.read_only_admin import ReadOnlyAdmin
from treasury.models import (
    Adjustment,
    Appropriation,
    BankAccount,
    BankEnquiry,
    BankFile,
    Envelope,
    EnvelopeAlert,
    FundingSource,
    Instalment,
    Payable,
    PayoutBatch,
    PayoutItem,
    RecoveryCase,
    RecoveryReceipt,
    Signature,
    SuspenseEntry,
    Tranche,
    WriteOff,
)


@admin.register(FundingSource)
class FundingSourceAdmin(ReadOnlyAdmin):
    list_display = ["name", "level", "issuer"]
    list_select_related = ["issuer"]


@admin.register(Envelope)
class EnvelopeAdmin(ReadOnlyAdmin):
    list_display = ["name", "programme_code", "issuer", "book", "state"]
    list_filter = ["state", "book__budget_year"]
    list_select_related = ["issuer", "book"]
    search_fields = ["name", "programme_code"]


@admin.register(Appropriation)
class AppropriationAdmin(ReadOnlyAdmin):
    list_display = [
        "envelope",
        "kind",
        "amount_fen",
        "state",
        "proposed_by",
        "approved_by",
        "approved_at",
    ]
    list_filter = ["state", "kind"]
    list_select_related = ["envelope", "proposed_by", "approved_by"]


@admin.register(Payable)
class PayableAdmin(ReadOnlyAdmin):
    list_display = ["reference", "kind", "payee", "amount_fen", "state", "approved_at"]
    list_filter = ["state", "kind"]
    list_select_related = ["payee"]
    search_fields = ["reference", "payee__name", "payee__uscc"]


@admin.register(BankAccount)
class BankAccountAdmin(ReadOnlyAdmin):
    list_display = ["organization", "name", "bank", "state", "added_by", "verified_by"]
    list_filter = ["state"]
    list_select_related = ["organization", "added_by", "verified_by"]


@admin.register(PayoutBatch)
class PayoutBatchAdmin(ReadOnlyAdmin):
    list_display = [
        "__str__",
        "state",
        "item_count",
        "control_total_fen",
        "made_by",
        "checked_by",
        "released_by",
    ]
    list_filter = ["state"]
    list_select_related = ["made_by", "checked_by", "released_by"]


@admin.register(PayoutItem)
class PayoutItemAdmin(ReadOnlyAdmin):
    list_display = ["__str__", "payable", "amount_fen", "state", "bank_code", "answered_at"]
    list_filter = ["state"]
    list_select_related = ["payable"]


@admin.register(Signature)
class SignatureAdmin(ReadOnlyAdmin):
    list_display = ["batch", "act", "person", "recorded_at"]
    list_select_related = ["batch", "person"]


@admin.register(BankFile)
class BankFileAdmin(ReadOnlyAdmin):
    list_display = ["batch", "direction", "format", "sha256", "person", "recorded_at"]
    list_filter = ["direction"]
    list_select_related = ["batch", "person"]


@admin.register(Tranche)
class TrancheAdmin(ReadOnlyAdmin):
    list_display = ["envelope", "number", "amount_fen", "state", "approved_at"]
    list_filter = ["state"]
    list_select_related = ["envelope"]


@admin.register(Adjustment)
class AdjustmentAdmin(ReadOnlyAdmin):
    list_display = ["envelope", "kind", "to_envelope", "amount_fen", "state", "approved_at"]
    list_filter = ["state", "kind"]
    list_select_related = ["envelope", "to_envelope"]


@admin.register(EnvelopeAlert)
class EnvelopeAlertAdmin(ReadOnlyAdmin):
    list_display = ["envelope", "percent", "appropriated_fen", "available_fen", "raised_at"]
    list_select_related = ["envelope"]


@admin.register(BankEnquiry)
class BankEnquiryAdmin(ReadOnlyAdmin):
    list_display = ["item", "question", "asked_by", "asked_at", "answer", "answered_at"]
    list_select_related = ["item", "asked_by"]


@admin.register(SuspenseEntry)
class SuspenseEntryAdmin(ReadOnlyAdmin):
    list_display = ["bank_reference", "issuer", "amount_fen", "state", "booked_by", "cleared_by"]
    list_filter = ["state"]
    list_select_related = ["issuer", "booked_by", "cleared_by"]


@admin.register(RecoveryCase)
class RecoveryCaseAdmin(ReadOnlyAdmin):
    list_display = ["__str__", "debtor", "cause", "claimed_fen", "demanded_fen", "state"]
    list_filter = ["state", "cause"]
    list_select_related = ["debtor"]


@admin.register(RecoveryReceipt)
class RecoveryReceiptAdmin(ReadOnlyAdmin):
    list_display = ["case", "kind", "amount_fen", "bank_reference", "received_by", "received_at"]
    list_filter = ["kind"]
    list_select_related = ["case", "received_by"]


@admin.register(Instalment)
class InstalmentAdmin(ReadOnlyAdmin):
    list_display = ["case", "plan", "number", "due_date", "amount_fen"]
    list_select_related = ["case"]


@admin.register(WriteOff)
class WriteOffAdmin(ReadOnlyAdmin):
    list_display = ["case", "amount_fen", "state", "fraud_result", "proposed_by", "approved_at"]
    list_filter = ["state", "fraud_result"]
    list_select_related = ["case", "proposed_by"]
