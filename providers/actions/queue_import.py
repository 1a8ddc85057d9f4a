"""Let a large checked file be written by a worker."""

from datetime import datetime

from django.db import transaction

from audit.actions.record import record
from audit.decisions import Actor, StaleState
from providers.models import ImportFile
from providers.policy import require_provider


@transaction.atomic
def queue_import(*, file: ImportFile, actor: Actor, at: datetime) -> ImportFile:
    """checked → queued. Raises NotPermitted, NotFound, StaleState."""
    require_provider(actor, file.provider_id)
    moved = ImportFile.objects.filter(pk=file.pk, state="checked").update(state="queued")
    file.refresh_from_db()
    if not moved:
        raise StaleState(thing="import", current=file.state, needed="checked")
    record("import.queued", subject=file, actor=actor, at=at, data={"rows": file.rows_total})
    return file
