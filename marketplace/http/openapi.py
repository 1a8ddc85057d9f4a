"""What the OpenAPI document says of errors and idempotency on every operation."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter

PROBLEM = {
    "type": "object",
    "description": "RFC 9457 problem details",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string", "description": "stable, for programs"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "code": {"type": "string"},
                    "detail": {"type": "string"},
                    "field": {"type": ["string", "null"]},
                    "clause": {"type": ["string", "null"]},
                },
            },
        },
        "facts": {"type": "object", "additionalProperties": {"type": "string"}},
    },
    "required": ["type", "title", "status", "detail", "code"],
}
READ_ERRORS = {"401": "who are you", "403": "no right", "404": "unknown or not yours"}
WRITE_ERRORS = READ_ERRORS | {
    "409": "the state moved on, or a request with this key is still running",
    "422": "a field is wrong, or the key was used with another body",
}


class ProblemAwareSchema(AutoSchema):
    """Adds problem responses everywhere and Idempotency-Key to unsafe methods."""

    def get_override_parameters(self) -> list[Any]:
        if self.method not in ("POST", "PUT", "PATCH", "DELETE"):
            return []
        return [
            OpenApiParameter(
                "Idempotency-Key",
                str,
                OpenApiParameter.HEADER,
                description="Same key and body: the stored answer. Same key, other body: 422.",
            )
        ]

    def get_operation(self, *args: Any, **kwargs: Any) -> dict[str, Any] | None:
        operation = super().get_operation(*args, **kwargs)
        if operation is None:
            return None
        errors = READ_ERRORS if self.method == "GET" else WRITE_ERRORS
        for code, description in errors.items():
            operation["responses"].setdefault(
                code,
                {
                    "description": description,
                    "content": {
                        "application/problem+json": {
                            "schema": {"$ref": "#/components/schemas/Problem"}
                        }
                    },
                },
            )
        return operation


def add_problem_schema(result: dict[str, Any], **_kwargs: Any) -> dict[str, Any]:
    """Postprocessing hook: the Problem component every error response points to."""
    result["components"].setdefault("schemas", {})["Problem"] = PROBLEM
    return result


class ApiKeyScheme(OpenApiAuthenticationExtension):
    """How the API key is written in the document."""

    target_class = "identity.authentication.ApiKeyAuthentication"
    name = "apiKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "`Api-Key <key>`",
        }
