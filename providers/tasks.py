"""What the suppliers' room does by the clock; the storefront's Celery tasks call it."""

from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import connection

from audit.decisions import SYSTEM
from providers.actions.apply_import import apply_import
from providers.actions.check_import import check_import
from providers.actions.note_gaps import note_gaps
from providers.actions.remind_of_ratings import remind_of_ratings
from providers.green.exact import civil_day, start_of_day
from providers.models import Facility, ImportFile
from providers.reading_months import make_months_ahead


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


def keep_meters_in_order(*, at: datetime) -> int:
    """Nightly: parts of the table for the months ahead, and yesterday's gaps of every facility.

    Three days are looked at again, so that a gap filled within its grace is closed. Returns the
    number of gaps noticed.
    """
    make_months_ahead(at)
    today, noticed = start_of_day(civil_day(at)), 0
    for facility in Facility.objects.filter(meters__isnull=False).distinct().order_by("pk"):
        found, _closed = note_gaps(
            facility=facility,
            starts_at=today - timedelta(days=3),
            ends_at=today - timedelta(days=1),
            actor=SYSTEM,
            at=at,
        )
        noticed += found
    remind_of_ratings(actor=SYSTEM, at=at)
    return noticed
