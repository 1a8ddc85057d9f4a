"""Take in a file of pools, unread."""

import hashlib
from datetime import datetime

from django.db import transaction

from audit.actions.record import record
from audit.decisions import Actor, Invalid
from identity.models import Organization
from providers.bulk import MAX_BYTES
from providers.models import ImportFile
from providers.policy import require_provider


@transaction.atomic
def upload_import(
    *, provider: Organization, filename: str, content: bytes, actor: Actor, at: datetime
) -> ImportFile:
    """Keep `content` (CSV, XLSX or JSON) to be checked; nothing of it is written yet.

    Raises NotPermitted, NotFound, Invalid for an empty or too large file.
    """
    require_provider(actor, provider)
    if not content or len(content) > MAX_BYTES:
        most = MAX_BYTES // 10**6
        raise Invalid("file", f"1 byte to {most} MB", f"须在 1 字节至 {most} MB 之间")
    file = ImportFile.objects.create(
        provider=provider,
        filename=filename[:200] or "pools",
        sha256=hashlib.sha256(content).hexdigest(),
        content=content,
        uploaded_by_id=actor.person_id,
        uploaded_at=at,
    )
    record(
        "import.uploaded",
        subject=file,
        actor=actor,
        at=at,
        data={"filename": file.filename, "sha256": file.sha256, "bytes": len(content)},
    )
    return file
