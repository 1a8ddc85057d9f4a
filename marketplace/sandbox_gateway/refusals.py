"""A no of the gateway, with Stripe's error body."""

from typing import Any


class Refused(Exception):
    """Answered as `{"error": {...}}` with `status`.

    `executed` tells whether the call got past the check of its parameters: only then is its answer
    kept for the idempotency key, as Stripe does. `keeps_changes` is for a declined payment, which
    leaves its attempt behind.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        kind: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        executed: bool = True,
        keeps_changes: bool = False,
        **more: Any,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.executed = executed
        self.keeps_changes = keeps_changes
        fields = {"type": kind, "message": message, "code": code, "param": param, **more}
        self.error = {name: value for name, value in fields.items() if value is not None}

    def body(self) -> dict[str, Any]:
        """The JSON on the wire."""
        return {"error": self.error}


def wrong_param(param: str, message: str, code: str | None = None) -> Refused:
    """A parameter that does not pass: nothing has happened, the key stays free."""
    return Refused(message, param=param, code=code, executed=False)


def no_such(kind: str, name: str, *, param: str = "id", status: int = 404) -> Refused:
    """An id nobody knows: 404 in a path, 400 in a parameter."""
    return Refused(
        f"No such {kind}: '{name}'",
        status=status,
        code="resource_missing",
        param=param,
        executed=False,
    )
