"""The chain and its deliveries in the back office: to be read."""

from django.contrib import admin

from audit.models import AuditEvent, AuditLink, Checkpoint, Delivery
from audit.read_only_admin import ReadOnlyAdmin


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyAdmin):
    list_display = ["kind", "subject_type", "subject_id", "actor_label", "occurred_at"]
    list_filter = ["kind"]
    search_fields = ["subject_id", "actor_label"]


@admin.register(AuditLink)
class AuditLinkAdmin(ReadOnlyAdmin):
    list_display = ["sequence", "event", "hash"]
    list_select_related = ["event"]


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    list_display = ["reaction", "event", "state", "attempts", "due_at", "last_error"]
    list_filter = ["state", "reaction"]
    list_select_related = ["event"]


@admin.register(Checkpoint)
class CheckpointAdmin(ReadOnlyAdmin):
    list_display = ["tree_size", "made_at", "root", "head_hash"]
