"""How fast the platform's compressed clock runs. Times in seconds of the machine's clock."""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """One hour of a job lasts `seconds_per_hour`; usage is reported every `usage_interval_hours`.

    `queue_seconds` and `initialize_seconds` pass before a job runs. A callback that was not
    answered with 2xx is repeated after `backoff_seconds`, doubled each time up to
    `backoff_cap_seconds`, at most `max_attempts` times.
    """

    seconds_per_hour: float = 0.05
    usage_interval_hours: Decimal = Decimal(4)
    queue_seconds: float = 0.05
    initialize_seconds: float = 0.05
    backoff_seconds: float = 0.2
    backoff_cap_seconds: float = 5.0
    max_attempts: int = 400
    callback_timeout_seconds: float = 10.0

    def backoff(self, attempts: int) -> float:
        """Seconds to wait after `attempts` failures."""
        wait: float = self.backoff_seconds * 2 ** min(attempts - 1, 20)
        return min(wait, self.backoff_cap_seconds)
