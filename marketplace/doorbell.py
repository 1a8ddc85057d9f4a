"""Ring the worker after a commit, cheaply and never in the way.

A ring that is lost costs nothing but the wait for the next sweep, so rings are few (one in
QUIET_SECONDS for a process) and a broker that is down is left alone for a while.
"""

import time

import structlog

from audit.outbox import doorbell

log = structlog.get_logger(__name__)

QUIET_SECONDS = 0.5
LEFT_ALONE_SECONDS = 30.0


class Ringer:
    """Publishes `sweep_outbox`; knows when it last did and when it may again."""

    def __init__(self) -> None:
        self._not_before = 0.0

    def ring(self) -> None:
        """Publish one sweep unless that was done a moment ago. Never raises."""
        from marketplace.tasks import sweep_outbox  # the task registry needs the models first

        now = time.monotonic()
        if now < self._not_before:
            return
        self._not_before = now + QUIET_SECONDS
        try:
            sweep_outbox.apply_async(retry=False, expires=30)
        except Exception as error:  # each transport has errors of its own; none may reach a request
            self._not_before = now + LEFT_ALONE_SECONDS
            log.warning("doorbell_unheard", error=str(error))


def fit() -> None:
    """Let commits that recorded events ring."""
    doorbell.listen(Ringer().ring)
