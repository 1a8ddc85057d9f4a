"""What of this room an auditor takes home; the chain itself is a file of its own."""

from audit.bundle import Column, ExportTable, table_of
from audit.models import AuditLink, Checkpoint

EVENTS = ExportTable(
    "audit_events",
    lambda: AuditLink.objects.order_by("sequence"),
    (
        Column("sequence", "sequence", "integer"),
        Column("previous_hash", "previous_hash", "text"),
        Column("hash", "hash", "text"),
        Column("event_id", "event_id", "integer"),
        Column("kind", "event__kind", "text"),
        Column("subject_type", "event__subject_type", "text"),
        Column("subject_id", "event__subject_id", "text"),
        Column("person_id", "event__person_id", "integer"),
        Column("organization_id", "event__organization_id", "integer"),
        Column("actor_label", "event__actor_label", "text"),
        Column("occurred_at", "event__occurred_at", "time"),
        Column("recorded_at", "event__recorded_at", "time"),
        Column("body", "event__body", "text"),
    ),
    at="event__recorded_at",
)

EXPORTS = [EVENTS, table_of("audit_checkpoints", Checkpoint, at="made_at")]
