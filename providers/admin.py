"""The back office's view of the suppliers: history is read, never edited."""

from django.contrib import admin

from audit.read_only_admin import ReadOnlyAdmin
from providers.models import (
    AcceleratorModel,
    CertificateAllocation,
    Closure,
    Facility,
    GreenCertificate,
    GreenRating,
    GridFactor,
    HubArea,
    ImportFile,
    Meter,
    MeterReading,
    Offer,
    PlausibilityCase,
    Pool,
    PriceVersion,
)


@admin.register(HubArea)
class HubAreaAdmin(ReadOnlyAdmin):
    list_display = ["seq", "hub", "cluster", "area", "adcode", "evidence"]


@admin.register(GridFactor)
class GridFactorAdmin(ReadOnlyAdmin):
    list_display = ["place", "data_year", "kg_per_kwh", "notice", "evidence", "version"]
    list_filter = ["data_year"]


@admin.register(AcceleratorModel)
class AcceleratorModelAdmin(ReadOnlyAdmin):
    list_display = ["code", "model", "vendor", "origin", "tdp_w", "memory_gb"]
    list_filter = ["origin", "vendor"]


@admin.register(Facility)
class FacilityAdmin(ReadOnlyAdmin):
    list_display = ["name", "provider", "hub_area", "adcode", "sample"]
    list_select_related = ["provider", "hub_area"]
    list_filter = ["sample"]
    search_fields = ["name", "provider__name"]


@admin.register(Pool)
class PoolAdmin(ReadOnlyAdmin):
    list_display = ["code", "facility", "accelerator", "units", "kw_per_unit", "state", "sample"]
    list_select_related = ["facility", "accelerator"]
    list_filter = ["state", "sample", "accelerator"]
    search_fields = ["code", "slice_id"]


@admin.register(Offer)
class OfferAdmin(ReadOnlyAdmin):
    list_display = ["pool", "unit", "state", "sample", "drafted_at"]
    list_select_related = ["pool"]
    list_filter = ["state", "sample"]


@admin.register(PriceVersion)
class PriceVersionAdmin(ReadOnlyAdmin):
    list_display = ["offer", "price_fen_per_unit_hour", "currency", "valid", "recorded_at"]
    list_select_related = ["offer"]


@admin.register(Meter)
class MeterAdmin(ReadOnlyAdmin):
    list_display = ["code", "kind", "facility", "pool", "sample"]
    list_select_related = ["facility", "pool"]
    list_filter = ["kind", "sample"]


@admin.register(MeterReading)
class MeterReadingAdmin(ReadOnlyAdmin):
    list_display = ["meter", "period", "quantity", "state", "reason", "source", "recorded_at"]
    list_select_related = ["meter", "source"]
    list_filter = ["state", "reason"]


@admin.register(GreenCertificate)
class GreenCertificateAdmin(ReadOnlyAdmin):
    list_display = ["serial", "owner", "vintage", "backs", "state", "lapses_on", "sample"]
    list_select_related = ["owner"]
    list_filter = ["state", "backs", "sample"]
    search_fields = ["serial"]


@admin.register(CertificateAllocation)
class CertificateAllocationAdmin(ReadOnlyAdmin):
    list_display = ["certificate", "facility", "period", "allocated_at"]
    list_select_related = ["certificate", "facility"]


@admin.register(GreenRating)
class GreenRatingAdmin(ReadOnlyAdmin):
    list_display = [
        "facility",
        "green_tier",
        "score",
        "completeness",
        "pue",
        "state",
        "valid",
        "method_version",
        "sample",
    ]
    list_select_related = ["facility"]
    list_filter = ["state", "green_tier", "sample"]


@admin.register(ImportFile)
class ImportFileAdmin(ReadOnlyAdmin):
    list_display = ["filename", "provider", "state", "rows_total", "rows_refused", "uploaded_at"]
    list_select_related = ["provider"]
    list_filter = ["state"]
    exclude = ["content"]


@admin.register(Closure)
class ClosureAdmin(ReadOnlyAdmin):
    list_display = ["pool", "kind", "period", "reason", "declared_at", "lifted_at"]
    list_filter = ["kind"]
    list_select_related = ["pool"]


@admin.register(PlausibilityCase)
class PlausibilityCaseAdmin(ReadOnlyAdmin):
    list_display = ["check_name", "provider", "pool", "period", "state", "raised_at"]
    list_select_related = ["provider", "pool"]
    list_filter = ["check_name", "state"]
