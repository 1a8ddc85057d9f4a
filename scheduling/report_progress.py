"""How far a run has come, for whoever watches; and the heartbeat of its lease."""

import threading
import time
from datetime import datetime, timedelta

from scheduling.actions.lease_market import renew_lease
from scheduling.models import MatchRun

EVERY_SECONDS = 1.0
# phase -> percent of the whole at which it begins and ends
PHASES = {
    "pull": (0, 8),
    "price": (8, 50),
    "place": (50, 65),
    "improve": (65, 78),
    "prove": (78, 82),
    "part": (8, 80),
    "check": (82, 86),
    "commit": (86, 100),
}


class Progress:
    """Writes `MatchRun.progress` at most once a second and at every new phase. In its first second
    a run writes nothing, for every write is a commit: most small ones are done by then.

    `begun_at` is the caller's clock; time passed since is added, so that the lease is renewed from
    the real moment. Raises LeaseLost as soon as the lease has gone to somebody else.
    """

    def __init__(self, run: MatchRun, *, begun_at: datetime, jobs: int = 0, pools: int = 0) -> None:
        self._run, self._begun_at = run, begun_at
        self._clock, self._written, self._phase = time.monotonic(), 0.0, ""
        self._thread = threading.get_ident()
        self.facts: dict[str, object] = {"jobs": jobs, "pools": pools}
        self.seconds: dict[str, float] = {}

    def now(self) -> datetime:
        """The caller's clock, moved on by the time that has passed."""
        return self._begun_at + timedelta(seconds=time.monotonic() - self._clock)

    def tell(self, phase: str, share: float = 0.0) -> None:
        """`phase` has come to `share` (0..1) of itself."""
        if threading.get_ident() != self._thread:  # the connection belongs to one thread
            return
        passed = time.monotonic() - self._clock
        if phase != self._phase:
            self.seconds.setdefault(phase, round(passed, 3))
            if phase == "improve":  # what is placed now is a sound plan; the rest betters it
                self.facts["early_plan_after_seconds"] = round(passed, 2)
        again = phase == self._phase and passed - self._written < EVERY_SECONDS
        self._phase = phase
        if again or passed < EVERY_SECONDS:
            return
        self._written = passed
        begin, end = PHASES.get(phase, (8, 80))
        self._run.progress = {
            "step": phase,
            "percent": round(begin + (end - begin) * min(1.0, max(0.0, share))),
            **self.facts,
        }
        renew_lease(market=self._run.market, token=self._run.token, at=self.now())
        MatchRun.objects.filter(pk=self._run.pk, state="running").update(
            progress=self._run.progress
        )
