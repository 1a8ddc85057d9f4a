"""What the suppliers' room does by the clock; the storefront's Celery tasks call it."""

from collections.abc import Callable
from datetime import datetime

from django.db import connection

from audit.decisions import SYSTEM
from providers.actions.apply_import import apply_import
from providers.actions.check_import import check_import
from providers.models import ImportFile


def work_on_waiting_imports(*, now: Callable[[], datetime]) -> int:
    """Check uploaded files and write queued ones, oldest first; how many were worked on.

    One worker at a time: a second finds the lock taken and leaves.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtext('providers.imports'))")
        if not cursor.fetchone()[0]:
            return 0
    try:
        waiting = ImportFile.objects.filter(state__in=["uploaded", "checking", "queued"])
        files = list(waiting.select_related("provider").order_by("pk")[:20])
        for file in files:
            act = apply_import if file.state == ImportFile.State.QUEUED else check_import
            act(file=file, actor=SYSTEM, at=now())
        return len(files)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(hashtext('providers.imports'))")
