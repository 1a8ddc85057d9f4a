"""Without a database: 503 with a reason, never a stack trace."""

from collections.abc import Callable

from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext
from psycopg_pool import PoolTimeout

from marketplace.http.problem_details import problem

DATABASE_DOWN = (OperationalError, PoolTimeout)


def database_down(request: HttpRequest) -> HttpResponse:
    """503 with a time to come back."""
    response = problem(
        request, 503, "database_unavailable", gettext("The database is unavailable.")
    )
    response["Retry-After"] = "5"
    return response


class DatabaseDownMiddleware:
    """Turns a lost database into a problem response with Retry-After."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        return database_down(request) if isinstance(error, DATABASE_DOWN) else None
