"""Gather claims while the previous commit runs, and answer them with the next one.

There is no timer: the commit is the clock. A quiet window answers one claim a commit, a rush a
hundred, and neither waits for the other.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime

import structlog

from audit.decisions import Refusal
from marketplace.lane.database import LaneConnection, NothingDone, OutcomeUnknown
from vouchers.claiming.claim_batch import Answered, AskedClaim

log = structlog.get_logger(__name__)

LARGEST_BATCH = 100
MOST_WAITING = 4_000  # about half a second of a rush; beyond it a client is told to come again

Result = Answered | Refusal


class LaneFull(Exception):
    """More claims wait than the lane takes in; nothing was recorded."""


class Batcher:
    """The lane of one window in this process. `seen_clock` is told the database's instant."""

    def __init__(
        self,
        window_id: int,
        *,
        seen_clock: Callable[[datetime], None] = lambda _now: None,
        most_waiting: int = MOST_WAITING,
        database: LaneConnection | None = None,
    ) -> None:
        self.window_id = window_id
        self._seen_clock = seen_clock
        self._most_waiting = most_waiting
        self._database = database or LaneConnection()
        self._waiting: deque[tuple[AskedClaim, asyncio.Future[Result]]] = deque()
        self._worker: asyncio.Task[None] | None = None

    def submit(self, claim: AskedClaim) -> "asyncio.Future[Result]":
        """A future of the answer, the refusal, NothingDone or OutcomeUnknown. Raises LaneFull."""
        if len(self._waiting) >= self._most_waiting:
            raise LaneFull
        answer: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((claim, answer))
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._work())
        return answer

    async def drain(self) -> None:
        """Answer what waits, then let the connection go."""
        if self._worker is not None:
            await self._worker
        await self._database.close()

    async def _work(self) -> None:
        while self._waiting:
            taken = min(LARGEST_BATCH, len(self._waiting))
            batch = [self._waiting.popleft() for _ in range(taken)]
            found = await self._answers([claim for claim, _answer in batch])
            for (_claim, answer), result in zip(batch, found, strict=True):
                if answer.done():  # the client went away
                    continue
                if isinstance(result, (NothingDone, OutcomeUnknown)):
                    answer.set_exception(result)
                else:
                    answer.set_result(result)

    async def _answers(
        self, claims: Sequence[AskedClaim]
    ) -> "Sequence[Result | NothingDone | OutcomeUnknown]":
        try:
            found, now = await self._database.answer(self.window_id, claims)
        except OutcomeUnknown as error:
            log.warning("claims_outcome_unknown", window=self.window_id, claims=len(claims))
            return [error] * len(claims)
        except NothingDone as error:
            log.warning("claims_not_done", window=self.window_id, why=str(error.__cause__))
            if len(claims) == 1:
                return [error]
            # One bad claim must not fail its neighbors.
            return [(await self._answers([claim]))[0] for claim in claims]
        except Exception as error:
            log.exception("claims_failed", window=self.window_id)
            return [NothingDone(str(error))] * len(claims)
        self._seen_clock(now)
        return found
