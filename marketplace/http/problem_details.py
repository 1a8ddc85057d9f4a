"""Errors as RFC 9457 problem details with a stable `code`, in the reader's language."""

from typing import Any, cast

from django.core.exceptions import PermissionDenied
from django.db import OperationalError
from django.http import Http404, HttpRequest, JsonResponse
from django.utils.translation import get_language, gettext
from drf_standardized_errors.formatter import ExceptionFormatter
from rest_framework import exceptions, status
from rest_framework.response import Response
from rest_framework.views import set_rollback

from audit.decisions import Refusal

CONTENT_TYPE = "application/problem+json"


def body_of(
    *, http_status: int, code: str, title: str, detail: str, errors: list[dict[str, Any]]
) -> dict[str, Any]:
    """A problem details object. `type` is a stable URN of the code, `errors` every reason."""
    body = {
        "type": f"urn:suanquan:problem:{code}",
        "title": title,
        "status": http_status,
        "detail": detail,
        "code": code,
    }
    if errors:
        body["errors"] = errors
    return body


def problem(request: HttpRequest, http_status: int, code: str, detail: str) -> JsonResponse:
    """A problem response from outside DRF (middleware, health)."""
    response = JsonResponse(
        body_of(http_status=http_status, code=code, title=detail, detail=detail, errors=[]),
        status=http_status,
        json_dumps_params={"ensure_ascii": False},
    )
    response["Content-Type"] = CONTENT_TYPE
    return response


def handle(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler. Unknown exceptions return None and become a plain 500."""
    set_rollback()
    if isinstance(error, Refusal):
        response = _respond(_from_refusal(error))
        # For IdempotencyMiddleware, which otherwise undoes what a refused view wrote.
        cast(Any, response).keeps_its_record = error.keeps_its_record
        return response
    if isinstance(error, OperationalError):
        response = _respond(
            body_of(
                http_status=503,
                code="database_unavailable",
                title=gettext("The database is unavailable."),
                detail=gettext("Nothing was changed. Try again shortly."),
                errors=[],
            )
        )
        response["Retry-After"] = "5"
        return response
    if isinstance(error, Http404):
        error = exceptions.NotFound()
    elif isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied()
    if isinstance(error, exceptions.APIException):
        response = _respond(_from_api_exception(error, context))
        for name, header in (("auth_header", "WWW-Authenticate"), ("wait", "Retry-After")):
            if getattr(error, name, None):
                response[header] = str(getattr(error, name))
        return response
    return None


def _from_refusal(error: Refusal) -> dict[str, Any]:
    language = get_language() or "en"
    reasons = error.reasons()
    return body_of(
        http_status=error.http_status,
        code=error.code,
        title=error.sentence(language),
        detail=error.sentence(language),
        errors=[
            {
                "code": reason.code,
                "detail": reason.text_zh if language.startswith("zh") else reason.text_en,
                "field": reason.field,
                "clause": reason.clause,
            }
            for reason in reasons
        ],
    ) | ({"facts": {key: str(value) for key, value in error.facts.items()}} if error.facts else {})


def _from_api_exception(error: exceptions.APIException, context: dict[str, Any]) -> dict[str, Any]:
    formatted: Any = ExceptionFormatter(error, cast(Any, context), error).run()
    http_status = error.status_code
    code = str(getattr(error, "default_code", "error"))
    if isinstance(error, exceptions.ValidationError):
        # The request was understood and its content is wrong: 422 (RFC 9110 §15.5.21).
        http_status, code = status.HTTP_422_UNPROCESSABLE_ENTITY, "invalid"
    first = formatted["errors"][0]["detail"]
    return body_of(
        http_status=http_status,
        code=code,
        title=str(error.default_detail),
        detail=first,
        errors=[
            {"code": each["code"], "detail": each["detail"], "field": each["attr"]}
            for each in formatted["errors"]
        ],
    )


def _respond(body: dict[str, Any]) -> Response:
    return Response(body, status=body["status"], content_type=CONTENT_TYPE)
