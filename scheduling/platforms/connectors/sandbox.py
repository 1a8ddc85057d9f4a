"""The connector to the sandbox platform."""

import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any
from urllib.parse import quote

import httpx

from scheduling.platforms.connectors.contract import (
    CallbackEvent,
    Capabilities,
    ConnectorRefused,
    ConnectorUnavailable,
    DispatchReceipt,
    DispatchRequest,
    JobState,
    JobStatus,
)
from scheduling.platforms.connectors.fields import quantity, quantity_or_none, time_or_none
from scheduling.platforms.connectors.read_callback import read_event, verify_signature


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxConnector:
    """Speaks to `python -m scheduling.platforms.sandbox_server` at `base_url`.

    `api_token` is the bearer token of our calls, `callback_secret` (`whsec_…`) signs its callbacks.
    """

    base_url: str
    api_token: str = field(repr=False)
    callback_secret: str = field(repr=False)
    timeout_seconds: float = 10.0

    def capabilities(self) -> Capabilities:
        """See Connector.capabilities."""
        answer = self._call("GET", "/v1/capabilities")
        with _readable():
            speed = answer["seconds_per_hour"]
            return Capabilities(
                platform=answer["platform"],
                api_version=answer["api_version"],
                simulated=answer["simulated"],
                can_cancel=answer["can_cancel"],
                reports_energy=answer["reports_energy"],
                seconds_per_hour=None if speed is None else Decimal(speed),
            )

    def dispatch(self, request: DispatchRequest) -> DispatchReceipt:
        """See Connector.dispatch. Refused `lease_mismatch`: the lease was given other terms."""
        power = request.power_kw_per_accelerator
        answer = self._call(
            "POST",
            "/v1/jobs",
            {
                "lease_id": request.lease_id,
                "pool_code": request.pool_code,
                "accelerator_model": request.accelerator_model,
                "accelerator_count": request.accelerator_count,
                "starts_at": request.starts_at.isoformat(),
                "duration_hours": format(request.duration_hours, "f"),
                "callback_url": request.callback_url,
                "power_kw_per_accelerator": None if power is None else format(power, "f"),
                "labels": dict(request.labels),
            },
        )
        with _readable():
            return DispatchReceipt(
                ref=answer["ref"],
                lease_id=answer["lease_id"],
                state=JobState(answer["state"]),
                already_started=answer["already_started"],
            )

    def status(self, ref: str) -> JobStatus:
        """See Connector.status. Refused `not_found`: no such job."""
        return _job_status(self._call("GET", f"/v1/jobs/{quote(ref, safe='')}"))

    def cancel(self, ref: str) -> JobStatus:
        """See Connector.cancel. Refused `not_found`: no such job."""
        return _job_status(self._call("POST", f"/v1/jobs/{quote(ref, safe='')}/cancel"))

    def parse_callback(
        self, headers: Mapping[str, str], body: bytes, *, at: datetime
    ) -> CallbackEvent:
        """See Connector.parse_callback."""
        verify_signature(self.callback_secret, headers, body, at=at)
        return read_event(body)

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        try:
            response = httpx.request(
                method,
                self.base_url.rstrip("/") + path,
                json=body,
                headers={"Authorization": f"Bearer {self.api_token}"},
                timeout=self.timeout_seconds,
                verify=_tls(),
                trust_env=False,
            )
        except httpx.TimeoutException as error:
            raise ConnectorUnavailable("The platform took too long.", code="timeout") from error
        except httpx.HTTPError as error:
            raise ConnectorUnavailable(
                "The platform cannot be reached.", code="connection"
            ) from error
        return _answer(response)


@lru_cache(maxsize=1)
def _tls() -> ssl.SSLContext:
    """Made once: reading the certificate store costs more than a call on loopback."""
    return ssl.create_default_context()


@contextmanager
def _readable() -> Iterator[None]:
    """Turns an answer we cannot read into ConnectorUnavailable: its outcome is unknown."""
    try:
        yield
    except (KeyError, TypeError, ValueError, InvalidOperation) as error:
        raise ConnectorUnavailable(
            "The platform's answer cannot be read.", code="malformed_answer"
        ) from error


def _answer(response: httpx.Response) -> dict[str, Any]:
    try:
        answer = response.json()
    except ValueError:
        answer = None
    if response.is_success:
        if not isinstance(answer, dict):
            raise ConnectorUnavailable(
                "The platform's answer cannot be read.", code="malformed_answer"
            )
        return answer
    problem = answer if isinstance(answer, dict) else {}
    detail = str(problem.get("detail") or f"The platform answered {response.status_code}.")
    if response.status_code == 429:
        raise ConnectorUnavailable(detail, code="too_many_requests")
    if response.status_code >= 500:
        raise ConnectorUnavailable(detail, code="server_error")
    raise ConnectorRefused(detail, code=str(problem.get("code") or "refused"))


def _job_status(answer: dict[str, Any]) -> JobStatus:
    with _readable():
        return JobStatus(
            ref=answer["ref"],
            lease_id=answer["lease_id"],
            state=JobState(answer["state"]),
            reason=answer["reason"],
            started_at=time_or_none(answer["started_at"]),
            ended_at=time_or_none(answer["ended_at"]),
            accelerator_hours=quantity(answer["accelerator_hours"]),
            energy_kwh=quantity_or_none(answer["energy_kwh"]),
        )
