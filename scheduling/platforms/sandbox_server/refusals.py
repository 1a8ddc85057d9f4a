"""A no of the platform, as RFC 9457 problem details."""

from starlette.responses import JSONResponse


class PlatformRefusal(Exception):
    """Raised by a verb, answered as problem details with a stable `code`."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail = status, code, detail

    def response(self) -> JSONResponse:
        """The answer on the wire."""
        return JSONResponse(
            {
                "type": "about:blank",
                "title": self.code.replace("_", " ").capitalize(),
                "status": self.status,
                "code": self.code,
                "detail": self.detail,
            },
            status_code=self.status,
            media_type="application/problem+json",
        )
