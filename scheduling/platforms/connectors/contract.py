"""What every scheduling platform can do for us, and what it tells us back.

A connector has five verbs: `capabilities`, `dispatch`, `status`, `cancel`, `parse_callback`.
It knows no database. Names of states follow the GA4GH Task Execution Service (TES 1.1);
callbacks are CloudEvents 1.0 in JSON, signed as Standard Webhooks prescribes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

CALLBACK_TOLERANCE = timedelta(minutes=5)
"""How far a callback's signed timestamp may lie from our clock (Standard Webhooks)."""


class JobState(StrEnum):
    """States of one attempt at a platform, as TES names them."""

    QUEUED = "QUEUED"
    INITIALIZING = "INITIALIZING"
    RUNNING = "RUNNING"
    COMPLETE = "COMPLETE"
    EXECUTOR_ERROR = "EXECUTOR_ERROR"  # the user's program failed
    SYSTEM_ERROR = "SYSTEM_ERROR"  # the platform failed
    PREEMPTED = "PREEMPTED"
    CANCELED = "CANCELED"

    @property
    def is_final(self) -> bool:
        """Whether nothing more happens to a job in this state."""
        return self not in (JobState.QUEUED, JobState.INITIALIZING, JobState.RUNNING)


@dataclass(frozen=True, slots=True, kw_only=True)
class DispatchRequest:
    """One allocation handed to a platform.

    `lease_id` is ours and is the idempotency key: the platform starts at most one job for it.
    `starts_at` is an aware time, `duration_hours` > 0. `power_kw_per_accelerator` is the expected
    mean electric draw of one accelerator with its share of the facility, in kW; it lets a
    simulated meter report energy, and where it is unknown (None) energy stays unknown too.
    """

    lease_id: str
    pool_code: str
    accelerator_model: str
    accelerator_count: int
    starts_at: datetime
    duration_hours: Decimal
    callback_url: str
    power_kw_per_accelerator: Decimal | None = None
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class DispatchReceipt:
    """The platform's answer: `ref` names the job there.

    `already_started` is true when the lease had been dispatched before (a lost answer, a second
    worker): no second job was started.
    """

    ref: str
    lease_id: str
    state: JobState
    already_started: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class JobStatus:
    """What the platform says of a job when asked.

    `started_at` and `ended_at` are on the platform's clock. `accelerator_hours` is the total
    metered so far; `energy_kwh` is None where the platform does not know it.
    """

    ref: str
    lease_id: str
    state: JobState
    reason: str
    started_at: datetime | None
    ended_at: datetime | None
    accelerator_hours: Decimal
    energy_kwh: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a platform offers; `simulated` platforms run nothing real and are shown as such."""

    platform: str
    api_version: str
    simulated: bool
    can_cancel: bool
    reports_energy: bool
    seconds_per_hour: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobStateChanged:
    """A job moved. `sequence` counts the events of one job from 1, so that late ones show.

    `event_id` is unique per `source`: store it, handle it once. `occurred_at` is when the
    platform made the event; `platform_time` is the same instant on the job's own clock, which a
    simulated platform compresses.
    """

    event_id: str
    source: str
    ref: str
    lease_id: str
    sequence: int
    occurred_at: datetime
    platform_time: datetime
    state: JobState
    reason: str
    simulated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageReported:
    """Metered use over the half-open interval [starts_at, ends_at), on the job's own clock.

    Natural key: (`meter_id`, `event_id`). Intervals on one meter never overlap.
    `accelerator_hours` >= 0; `energy_kwh` is None where unknown, never zero instead.
    """

    event_id: str
    source: str
    ref: str
    lease_id: str
    sequence: int
    occurred_at: datetime
    meter_id: str
    starts_at: datetime
    ends_at: datetime
    accelerator_hours: Decimal
    energy_kwh: Decimal | None
    simulated: bool


CallbackEvent = JobStateChanged | UsageReported


class ConnectorError(Exception):
    """Something between us and a platform went wrong; `retryable` says whether to try again."""

    retryable = False

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message)
        self.code = code


class ConnectorUnavailable(ConnectorError):
    """The platform gave no usable answer: repeat the call, with the same lease id.

    The outcome of the failed call is unknown; `dispatch` is safe to repeat.
    Codes: `connection`, `timeout`, `server_error`, `too_many_requests`, `malformed_answer`.
    """

    retryable = True


class ConnectorRefused(ConnectorError):
    """The platform understood and said no; repeating the same call cannot help.

    `code` is the platform's own (`lease_mismatch`, `invalid_request`, `not_found`, …).
    """


class CallbackRefused(ConnectorError):
    """A callback that must not be believed.

    Codes: `missing_headers`, `timestamp_invalid`, `timestamp_too_old`, `timestamp_too_new`,
    `signature_mismatch`, `malformed_body`.
    """


class Connector(Protocol):
    """The verbs of a platform. All but `parse_callback` speak HTTP.

    They raise ConnectorUnavailable and ConnectorRefused; `parse_callback` raises CallbackRefused.
    """

    def capabilities(self) -> Capabilities:
        """Ask what the platform can do."""

    def dispatch(self, request: DispatchRequest) -> DispatchReceipt:
        """Start a job for a lease, or learn that it has been started already."""

    def status(self, ref: str) -> JobStatus:
        """Ask how a job stands."""

    def cancel(self, ref: str) -> JobStatus:
        """Ask for an end; a job that has ended stays as it ended."""

    def parse_callback(
        self, headers: Mapping[str, str], body: bytes, *, at: datetime
    ) -> CallbackEvent:
        """Check signature and age of a callback received `at` (aware) and read its event."""
