"""A way past the guards, as somebody with the database's own keys would have it."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction

from audit.actions.record import record
from audit.decisions import SYSTEM
from audit.seal import seal_events
from tests.factories import NOW


def tamper(sql: str, *values: Any) -> None:
    """Run `sql` with every trigger and foreign key off."""
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        try:
            cursor.execute(sql, values or None)
        finally:
            cursor.execute("SET session_replication_role = origin")


@pytest.fixture
def happen() -> Callable[[int], list[int]]:
    """Records so many events, each in a transaction of its own, and seals them; their ids."""

    def events(count: int) -> list[int]:
        ids = []
        for number in range(count):
            with transaction.atomic():
                event = record(
                    "thing.happened",
                    subject=("test.thing", str(number)),
                    actor=SYSTEM,
                    at=NOW,
                    data={"number": number, "text": "算券"},
                )
            ids.append(event.pk)
        seal_events()
        return ids

    return events
