"""The lane's own connections to PostgreSQL, with the settings of Django's."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import psycopg
from django.db import connection

from audit.decisions import Refusal
from vouchers.claiming.claim_batch import CALL, Answered, AskedClaim, arguments, outcomes

NOT_FOR_PSYCOPG = ("cursor_factory", "context", "prepare_threshold", "server_side_binding", "pool")
STATEMENT_SECONDS = 10


class OutcomeUnknown(Exception):
    """The connection was lost while a batch was under way: it may have been committed."""


class NothingDone(Exception):
    """The database could not be asked, or it took the batch back as a whole."""


class LaneConnection:
    """One connection, opened when needed and again after it broke. For one task at a time."""

    def __init__(self) -> None:
        self._connection: psycopg.AsyncConnection | None = None

    async def answer(
        self, window_id: int, claims: Sequence[AskedClaim]
    ) -> tuple[list[Answered | Refusal], datetime]:
        """Answers in the order of `claims`, committed, and the database's instant.

        Raises NothingDone or OutcomeUnknown.
        """
        rows = await self._fetch(CALL, arguments(window_id, claims))
        return outcomes(window_id, rows), rows[0][-1]

    async def clock(self) -> datetime:
        """The database's instant. Raises NothingDone."""
        try:
            ((now,),) = await self._fetch("SELECT vouchers_claim_clock()", [])
        except OutcomeUnknown as error:
            raise NothingDone from error
        return now

    async def close(self) -> None:
        """Let the connection go."""
        if self._connection is not None:
            await self._connection.close()
            self._connection = None

    async def _fetch(self, statement: str, parameters: list[Any]) -> list[tuple[Any, ...]]:
        opened = await self._open()
        try:
            # Prepared on the server, and committed with the statement: autocommit.
            cursor = await opened.execute(statement, parameters, prepare=True, binary=True)
            return await cursor.fetchall()
        except psycopg.Error as error:
            if opened.broken or opened.closed:
                self._connection = None
                raise OutcomeUnknown from error
            raise NothingDone from error

    async def _open(self) -> psycopg.AsyncConnection:
        if self._connection is None or self._connection.closed:
            wanted = dict(connection.get_connection_params())
            for name in NOT_FOR_PSYCOPG:
                wanted.pop(name, None)
            limits = f"-c statement_timeout={STATEMENT_SECONDS}s"
            wanted["options"] = f"{wanted.get('options', '')} {limits}".strip()
            try:
                self._connection = await psycopg.AsyncConnection.connect(**wanted, autocommit=True)
            except psycopg.Error as error:
                raise NothingDone from error
        return self._connection
