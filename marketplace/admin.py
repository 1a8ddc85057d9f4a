"""The storefront's back office."""

from django.contrib import admin
from unfold.admin import TabularInline

from audit.read_only_admin import ReadOnlyAdmin
from marketplace.models import (
    Charge,
    ClearingLine,
    ClearingRun,
    GatewayEvent,
    IdempotentAnswer,
    Order,
    Payment,
    Refund,
)


@admin.register(Order)
class OrderAdmin(ReadOnlyAdmin):
    list_display = ["id", "enterprise", "provider", "price_fen", "voucher_fen", "state"]
    list_filter = ["state"]
    list_select_related = ["enterprise", "provider"]
    search_fields = ["enterprise__name", "provider__name"]


@admin.register(Charge)
class ChargeAdmin(ReadOnlyAdmin):
    list_display = ["order", "accelerator_hours", "total_fen", "voucher_fen", "own_fen"]
    list_select_related = ["order"]


@admin.register(Payment)
class PaymentAdmin(ReadOnlyAdmin):
    list_display = ["id", "charge", "amount_fen", "state", "intent_id", "failure"]
    list_filter = ["state"]
    list_select_related = ["charge__order"]


@admin.register(Refund)
class RefundAdmin(ReadOnlyAdmin):
    list_display = ["reference", "charge", "total_fen", "voucher_fen", "own_fen", "state"]
    list_filter = ["state"]
    list_select_related = ["charge__order"]


@admin.register(GatewayEvent)
class GatewayEventAdmin(ReadOnlyAdmin):
    list_display = ["event_id", "type", "received_at"]
    list_filter = ["type"]


class ClearingLineInline(TabularInline):
    model = ClearingLine
    extra = 0
    can_delete = False
    fields = ["charge", "provider", "government_fen", "enterprise_fen", "payable"]
    readonly_fields = fields


@admin.register(ClearingRun)
class ClearingRunAdmin(ReadOnlyAdmin):
    list_display = ["id", "issuer", "upto", "computed_at"]
    list_select_related = ["issuer"]
    inlines = [ClearingLineInline]


@admin.register(IdempotentAnswer)
class IdempotentAnswerAdmin(ReadOnlyAdmin):
    list_display = ["key", "status", "answered_at"]
    exclude = ["body"]
