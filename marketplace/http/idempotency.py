"""Idempotency-Key: the same request twice is the same answer once.

The key's row, the view's work and the stored answer are one transaction: a crash leaves none of
them. While one request runs, a second with its key gets 409 at once (an advisory lock, not a wait).
"""

import hashlib
from collections.abc import Callable

from django.db import OperationalError, connection, transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext
from rest_framework.exceptions import APIException
from rest_framework.request import Request

from identity.authentication import ApiKeyAuthentication
from marketplace.http.database_down import DATABASE_DOWN, database_down
from marketplace.http.problem_details import problem
from marketplace.models import IdempotentAnswer

HEADER = "Idempotency-Key"
LONGEST_KEY = 200
# Answers that say nothing about the request itself are not kept: the client should try again.
NOT_KEPT = frozenset({401, 403, 408, 429})


class IdempotencyMiddleware:
    """Applies to unsafe requests under /api/ that carry the header."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        key = request.headers.get(HEADER)
        unsafe = request.method in ("POST", "PUT", "PATCH", "DELETE")
        if not key or not unsafe or not request.path.startswith("/api/"):
            return self.get_response(request)
        if len(key) > LONGEST_KEY:
            return problem(
                request, 422, "idempotency_key_too_long", gettext("The key is too long.")
            )
        try:
            person = _person_of(request)
            if person is None:
                return self.get_response(request)  # the view will say 401
            return self._once(request, f"{person}:{key}")
        except DATABASE_DOWN:  # raised outside the view, where process_exception does not reach
            return database_down(request)

    def _once(self, request: HttpRequest, scoped_key: str) -> HttpResponse:
        fingerprint = hashlib.sha256(
            b"\n".join(
                [str(request.method).encode(), request.get_full_path().encode(), request.body]
            )
        ).hexdigest()
        with transaction.atomic():
            if not _lock(scoped_key):
                busy = problem(
                    request,
                    409,
                    "idempotency_key_in_use",
                    gettext("A request with this key is still running."),
                )
                busy["Retry-After"] = "1"
                return busy
            stored = IdempotentAnswer.objects.filter(key=scoped_key).first()
            if stored is not None:
                return _replay(request, stored, fingerprint)
            work = transaction.savepoint()
            response = self.get_response(request)
            if response.status_code >= 400 and not getattr(response, "keeps_its_record", False):
                _undo(work)
            if response.status_code >= 500 or response.status_code in NOT_KEPT:
                return response
            kept = _secret_left_out(request, response)
            IdempotentAnswer.objects.create(
                key=scoped_key,
                fingerprint=fingerprint,
                status=kept.status_code,
                content_type=kept.get("Content-Type", ""),
                body=kept.content.decode(),
                answered_at=timezone.now(),
            )
            return response


def _secret_left_out(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """What may be kept of an answer: one marked no-store was given once and for all."""
    if "no-store" not in response.get("Cache-Control", ""):
        return response
    return problem(
        request,
        409,
        "answer_not_kept",
        gettext("This was done; its answer held a secret and was not kept."),
    )


def _undo(savepoint: str) -> None:
    """Take back what a refused view did; DRF may have marked the whole transaction for rollback."""
    try:
        transaction.set_rollback(False)
        transaction.savepoint_rollback(savepoint)
    except OperationalError:
        transaction.set_rollback(True)


def _replay(request: HttpRequest, stored: IdempotentAnswer, fingerprint: str) -> HttpResponse:
    if stored.fingerprint != fingerprint:
        return problem(
            request,
            422,
            "idempotency_key_reused",
            gettext("This key was used before with another request."),
        )
    response = HttpResponse(stored.body, status=stored.status, content_type=stored.content_type)
    response["Idempotent-Replayed"] = "true"
    return response


def _lock(scoped_key: str) -> bool:
    number = int.from_bytes(hashlib.sha256(scoped_key.encode()).digest()[:8], "big", signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [number])
        return bool(cursor.fetchone()[0])


def _person_of(request: HttpRequest) -> str | None:
    try:
        found = ApiKeyAuthentication().authenticate(Request(request))
    except APIException:
        return None
    if found is not None:
        return f"key-{found[1].pk}"
    if request.user.is_authenticated:
        return f"user-{request.user.pk}"
    return None
