"""Is the process alive; can it do its work."""

from django.conf import settings
from django.db import Error, connection
from django.http import HttpRequest, JsonResponse
from kombu import Connection


def live(request: HttpRequest) -> JsonResponse:
    """200 while the process answers at all."""
    return JsonResponse({"status": "live"})


def ready(request: HttpRequest) -> JsonResponse:
    """200 with a reachable database; 503 without. The broker is reported, but only a doorbell:
    without it requests still succeed and work waits in the outbox."""
    checks = {"database": _database(), "broker": _broker()}
    healthy = checks["database"] == "ok"
    return JsonResponse(
        {"status": "ready" if healthy else "not ready", "checks": checks},
        status=200 if healthy else 503,
    )


def _database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error as error:
        return type(error).__name__
    return "ok"


def _broker() -> str:
    try:
        with Connection(
            settings.CELERY_BROKER_URL,
            connect_timeout=1,
            transport_options=settings.CELERY_BROKER_TRANSPORT_OPTIONS,
        ) as broker:
            broker.ensure_connection(max_retries=1, timeout=1)
    except Exception as error:  # every transport has exceptions of its own
        return type(error).__name__
    return "ok"
