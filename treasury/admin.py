"""The treasury's back office: officers look; money moves by actions only."""

from django.contrib import admin

from audit.read_only_admin import ReadOnlyAdmin
from treasury.models import (
    Appropriation,
    BankAccount,
    BankFile,
    Envelope,
    FundingSource,
    Payable,
    PayoutBatch,
    PayoutItem,
    Signature,
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
