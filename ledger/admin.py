"""The ledger's back office: to be read."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import TabularInline

from audit.read_only_admin import ReadOnlyAdmin
from ledger.models import Account, Book, Hold, HoldResolution, Posting, Transfer


class PostingInline(TabularInline):
    model = Posting
    extra = 0
    can_delete = False
    fields = ["source", "destination", "amount_fen"]

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Book)
class BookAdmin(ReadOnlyAdmin):
    list_display = ["issuer_adcode", "budget_year", "unit", "state"]
    list_filter = ["budget_year", "state"]


@admin.register(Account)
class AccountAdmin(ReadOnlyAdmin):
    list_display = ["code", "book", "floor_fen", "balance_fen"]
    list_select_related = ["book"]
    search_fields = ["code"]
    show_full_result_count = False


@admin.register(Transfer)
class TransferAdmin(ReadOnlyAdmin):
    list_display = ["reference", "kind", "book", "effective_at", "policy_version", "person_id"]
    list_filter = ["kind"]
    list_select_related = ["book"]
    search_fields = ["reference"]
    inlines = [PostingInline]
    show_full_result_count = False


@admin.register(Hold)
class HoldAdmin(ReadOnlyAdmin):
    list_display = ["reference", "source", "held_in", "amount_fen", "deadline_at"]
    list_select_related = ["source", "held_in"]
    search_fields = ["reference"]


@admin.register(HoldResolution)
class HoldResolutionAdmin(ReadOnlyAdmin):
    list_display = ["hold", "outcome", "posted_fen", "resolved_at"]
    list_filter = ["outcome"]
    list_select_related = ["hold"]
