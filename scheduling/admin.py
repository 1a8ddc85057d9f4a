"""The control room's back office: officers look, the machine writes."""

from django.contrib import admin

from audit.read_only_admin import ReadOnlyAdmin
from scheduling.models import (
    Allocation,
    Job,
    Listing,
    MatchRun,
    Placement,
    Platform,
    PlatformCallback,
    UsageRecord,
    Workload,
)


@admin.register(Platform)
class PlatformAdmin(ReadOnlyAdmin):
    list_display = [
        "sequence",
        "name",
        "region_printed",
        "status_text",
        "status_date",
        "can_dispatch",
    ]
    list_filter = ["status", "can_dispatch"]
    search_fields = ["name"]


@admin.register(Listing)
class ListingAdmin(ReadOnlyAdmin):
    list_display = ["pool", "platform", "owner"]
    list_select_related = ["pool", "platform"]


@admin.register(Workload)
class WorkloadAdmin(ReadOnlyAdmin):
    list_display = ["reference", "enterprise", "state", "units", "duration_hours", "sample"]
    list_filter = ["state", "sample"]
    search_fields = ["reference", "enterprise__name"]
    list_select_related = ["enterprise"]


@admin.register(MatchRun)
class MatchRunAdmin(ReadOnlyAdmin):
    list_display = ["id", "market", "state", "started_at", "finished_at", "error"]
    list_filter = ["state"]
    exclude = ["inputs"]


@admin.register(Placement)
class PlacementAdmin(ReadOnlyAdmin):
    list_display = ["workload", "pool", "state", "starts_at", "price_fen", "voucher_fen"]
    list_filter = ["state"]
    list_select_related = ["workload", "pool"]


@admin.register(Allocation)
class AllocationAdmin(ReadOnlyAdmin):
    list_display = ["id", "pool", "units", "state", "allocated_at"]
    list_filter = ["state"]
    list_select_related = ["pool"]


@admin.register(Job)
class JobAdmin(ReadOnlyAdmin):
    list_display = ["lease_id", "platform", "state", "reason", "simulated"]
    list_filter = ["state", "platform"]
    list_select_related = ["platform"]


@admin.register(UsageRecord)
class UsageRecordAdmin(ReadOnlyAdmin):
    list_display = ["event_id", "job", "period", "accelerator_hours", "energy_kwh", "state"]
    list_filter = ["state"]
    list_select_related = ["job"]


@admin.register(PlatformCallback)
class PlatformCallbackAdmin(ReadOnlyAdmin):
    list_display = ["event_id", "source", "job", "sequence", "received_at"]
    list_select_related = ["job"]
