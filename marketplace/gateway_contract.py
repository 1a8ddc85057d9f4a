"""What the marketplace asks of a payment gateway, and what it hears back.

Small frozen dataclasses and typed errors; `stripe_gateway` fills them. No Django, no stripe.
Amounts are integer fen.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class GatewayConfig:
    """Where the gateway is and how to speak to it. Timeouts in seconds."""

    secret_key: str = field(repr=False)
    api_base: str = "https://api.stripe.com"
    webhook_secret: str = field(default="", repr=False)
    timeout_seconds: float = 15.0
    max_network_retries: int = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentIntent:
    """A payment as the gateway sees it. `status` is Stripe's word, for example `succeeded`."""

    id: str
    amount_fen: int
    amount_received_fen: int
    amount_capturable_fen: int
    currency: str
    status: str
    payment_method_types: tuple[str, ...]
    metadata: Mapping[str, str]
    latest_charge_id: str | None
    client_secret: str | None = field(repr=False)
    next_action_url: str | None
    last_error_code: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """Money on its way back. `status`: pending, requires_action, succeeded, failed, canceled."""

    id: str
    payment_intent_id: str
    amount_fen: int
    currency: str
    status: str
    metadata: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayEvent:
    """A verified webhook: store `id`, handle it once. `payload` is the object it speaks of.

    Events may arrive twice and out of order: before acting on one, retrieve the object.
    """

    id: str
    type: str
    created_at: datetime
    livemode: bool
    object_id: str
    metadata: Mapping[str, str]
    payload: Mapping[str, Any]


class GatewayError(Exception):
    """The gateway did not do as asked. `retryable`: repeat with the same idempotency key."""

    retryable = False

    def __init__(self, message: str, *, code: str, request_id: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.request_id = request_id


class PaymentDeclined(GatewayError):
    """The payer's bank or wallet said no; another means of payment may work.

    `code` is Stripe's error code (`card_declined`, `expired_card`, …), `decline_code` its detail.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str,
        request_id: str | None,
        decline_code: str | None,
        payment_intent_id: str | None,
    ) -> None:
        super().__init__(message, code=code, request_id=request_id)
        self.decline_code = decline_code
        self.payment_intent_id = payment_intent_id


class GatewayUnavailable(GatewayError):
    """No usable answer: time-out, broken connection, 5xx, 429, or the key is still in flight."""

    retryable = True


class GatewayRefused(GatewayError):
    """The gateway understood and said no: wrong parameter, wrong state, over-refund, reused key."""

    def __init__(
        self,
        message: str,
        *,
        code: str,
        request_id: str | None,
        http_status: int | None,
        param: str | None = None,
    ) -> None:
        super().__init__(message, code=code, request_id=request_id)
        self.http_status = http_status
        self.param = param


class WebhookRefused(GatewayError):
    """A webhook that must not be believed: forged, malformed, too old or from the future."""
