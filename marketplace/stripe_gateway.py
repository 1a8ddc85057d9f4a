"""The one door to Stripe, or to whatever speaks its wire format at `GatewayConfig.api_base`.

No other module imports `stripe`, and none of its types leave here: callers see the dataclasses
and errors of `gateway_contract`. Amounts are integer fen of CNY, which is Stripe's minor unit for
that currency. Every verb that changes something takes an idempotency key: repeat a call that
raised GatewayUnavailable with the same key, and it takes effect at most once.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import stripe

from marketplace.gateway_contract import (
    GatewayConfig,
    GatewayError,
    GatewayEvent,
    GatewayRefused,
    GatewayUnavailable,
    PaymentDeclined,
    PaymentIntent,
    Refund,
    WebhookRefused,
)

WEBHOOK_TOLERANCE_SECONDS = 300


def create_payment_intent(
    config: GatewayConfig,
    *,
    amount_fen: int,
    idempotency_key: str,
    currency: str = "cny",
    payment_method_types: Sequence[str] = ("card",),
    payment_method: str | None = None,
    confirm: bool = False,
    capture_method: str = "automatic",
    description: str | None = None,
    return_url: str | None = None,
    metadata: Mapping[str, str] | None = None,
) -> PaymentIntent:
    """Ask for `amount_fen` > 0; with `confirm` and a `payment_method` charge it at once.

    Raises PaymentDeclined, GatewayRefused, GatewayUnavailable.
    """
    params: dict[str, Any] = {
        "amount": amount_fen,
        "currency": currency,
        "payment_method_types": list(payment_method_types),
        "capture_method": capture_method,
        "metadata": dict(metadata or {}),
    }
    optional = {"payment_method": payment_method, "description": description}
    params |= {name: value for name, value in optional.items() if value is not None}
    if confirm:
        params["confirm"] = True
        if return_url is not None:
            params["return_url"] = return_url
    with _typed_errors():
        return _payment_intent(
            _client(config).v1.payment_intents.create(
                params,  # type: ignore[arg-type]
                {"idempotency_key": idempotency_key},
            )
        )


def retrieve_payment_intent(config: GatewayConfig, payment_intent_id: str) -> PaymentIntent:
    """Ask how a payment stands. Raises GatewayRefused (unknown id), GatewayUnavailable."""
    with _typed_errors():
        return _payment_intent(_client(config).v1.payment_intents.retrieve(payment_intent_id))


def confirm_payment_intent(
    config: GatewayConfig,
    payment_intent_id: str,
    *,
    idempotency_key: str,
    payment_method: str | None = None,
    wallet: str | None = None,
    return_url: str | None = None,
) -> PaymentIntent:
    """Charge the payer: by `payment_method` id, or by `wallet` (`alipay` or `wechat_pay`).

    The answer may be `requires_action`: send the payer to `next_action_url`.
    Raises PaymentDeclined, GatewayRefused, GatewayUnavailable.
    """
    params: dict[str, Any] = {}
    if payment_method is not None:
        params["payment_method"] = payment_method
    if wallet is not None:
        params["payment_method_data"] = {"type": wallet}
        if wallet == "wechat_pay":
            params["payment_method_options"] = {"wechat_pay": {"client": "web"}}
    if return_url is not None:
        params["return_url"] = return_url
    with _typed_errors():
        return _payment_intent(
            _client(config).v1.payment_intents.confirm(
                payment_intent_id,
                params,  # type: ignore[arg-type]
                {"idempotency_key": idempotency_key},
            )
        )


def capture_payment_intent(
    config: GatewayConfig,
    payment_intent_id: str,
    *,
    idempotency_key: str,
    amount_fen: int | None = None,
) -> PaymentIntent:
    """Take an authorized payment, or `amount_fen` of it; the rest is given back at once."""
    params: dict[str, Any] = {} if amount_fen is None else {"amount_to_capture": amount_fen}
    with _typed_errors():
        return _payment_intent(
            _client(config).v1.payment_intents.capture(
                payment_intent_id,
                params,  # type: ignore[arg-type]
                {"idempotency_key": idempotency_key},
            )
        )


def cancel_payment_intent(
    config: GatewayConfig, payment_intent_id: str, *, idempotency_key: str
) -> PaymentIntent:
    """Give up a payment not yet taken. Raises GatewayRefused where it has been."""
    with _typed_errors():
        return _payment_intent(
            _client(config).v1.payment_intents.cancel(
                payment_intent_id, options={"idempotency_key": idempotency_key}
            )
        )


def refund_payment_intent(
    config: GatewayConfig,
    payment_intent_id: str,
    *,
    idempotency_key: str,
    amount_fen: int | None = None,
    metadata: Mapping[str, str] | None = None,
) -> Refund:
    """Send back `amount_fen`, or all that is left. More than is left: GatewayRefused."""
    params: dict[str, Any] = {
        "payment_intent": payment_intent_id,
        "metadata": dict(metadata or {}),
    }
    if amount_fen is not None:
        params["amount"] = amount_fen
    with _typed_errors():
        refund = _client(config).v1.refunds.create(
            params,  # type: ignore[arg-type]
            {"idempotency_key": idempotency_key},
        )
    return Refund(
        id=refund.id,
        payment_intent_id=_id_of(refund.payment_intent) or payment_intent_id,
        amount_fen=refund.amount,
        currency=refund.currency,
        status=refund.status or "pending",
        metadata=dict(refund.to_dict().get("metadata") or {}),
    )


def verify_webhook(
    payload: bytes, signature_header: str, secret: str, *, at: datetime
) -> GatewayEvent:
    """Read an event only if `secret` signed it within five minutes of `at` (aware).

    `payload` is the raw request body, `signature_header` the value of `Stripe-Signature`.
    Raises WebhookRefused with code `signature_mismatch`, `timestamp_out_of_tolerance` or
    `malformed_body`.
    """
    if not secret:
        raise WebhookRefused("No webhook secret is set.", code="signature_mismatch")
    try:
        # The library compares with its own clock, and only for old age: the age is checked below.
        stripe.WebhookSignature.verify_header(payload, signature_header, secret, tolerance=None)
        # One timestamp only: with two, the library checks the first and we might age the other.
        (signed_at,) = (
            int(part[2:]) for part in signature_header.split(",") if part.startswith("t=")
        )
    except (stripe.SignatureVerificationError, ValueError, TypeError) as error:
        raise WebhookRefused("The signature does not fit.", code="signature_mismatch") from error
    if abs(at.timestamp() - signed_at) > WEBHOOK_TOLERANCE_SECONDS:
        raise WebhookRefused(
            "The signature is too old or from the future.", code="timestamp_out_of_tolerance"
        )
    try:
        event = json.loads(payload)
        subject = event["data"]["object"]
        return GatewayEvent(
            id=event["id"],
            type=event["type"],
            created_at=datetime.fromtimestamp(event["created"], UTC),
            livemode=bool(event["livemode"]),
            object_id=subject["id"],
            metadata=dict(subject.get("metadata") or {}),
            payload=subject,
        )
    except (ValueError, KeyError, TypeError) as error:
        raise WebhookRefused("The body is not a Stripe event.", code="malformed_body") from error


@lru_cache(maxsize=8)
def _client(config: GatewayConfig) -> stripe.StripeClient:
    return stripe.StripeClient(
        config.secret_key,
        base_addresses={"api": config.api_base.rstrip("/")},
        max_network_retries=config.max_network_retries,
        http_client=stripe.RequestsClient(timeout=config.timeout_seconds),
    )


def _payment_intent(intent: stripe.PaymentIntent) -> PaymentIntent:
    data = intent.to_dict()
    error = data.get("last_payment_error") or {}
    return PaymentIntent(
        id=data["id"],
        amount_fen=data["amount"],
        amount_received_fen=data.get("amount_received") or 0,
        amount_capturable_fen=data.get("amount_capturable") or 0,
        currency=data["currency"],
        status=data["status"],
        payment_method_types=tuple(data.get("payment_method_types") or ()),
        metadata=dict(data.get("metadata") or {}),
        latest_charge_id=_id_of(data.get("latest_charge")),
        client_secret=data.get("client_secret"),
        next_action_url=_next_action_url(data.get("next_action")),
        last_error_code=error.get("code"),
    )


def _id_of(value: Any) -> str | None:
    """Stripe gives an id, or the object itself where it was expanded."""
    if value is None or isinstance(value, str):
        return value
    return str(value["id"])


def _next_action_url(next_action: Mapping[str, Any] | None) -> str | None:
    """Where the payer must go: a page for cards and Alipay, the text of a QR code for WeChat."""
    details = (next_action or {}).get((next_action or {}).get("type", ""), {})
    return details.get("url") or details.get("data")


@contextmanager
def _typed_errors() -> Iterator[None]:
    try:
        yield
    except stripe.CardError as error:
        body = error.error
        intent = getattr(body, "payment_intent", None) if body else None
        raise PaymentDeclined(
            error.user_message or "The payment was declined.",
            code=error.code or "card_declined",
            request_id=error.request_id,
            decline_code=getattr(body, "decline_code", None) if body else None,
            payment_intent_id=_id_of(intent),
        ) from error
    except stripe.APIConnectionError as error:
        raise GatewayUnavailable(
            "The payment gateway cannot be reached.", code="connection"
        ) from error
    except stripe.StripeError as error:
        raise _refusal_or_outage(error) from error


def _refusal_or_outage(error: stripe.StripeError) -> GatewayError:
    status = error.http_status
    message = error.user_message or str(error)
    if status is None or status >= 500 or status in (409, 429):
        codes = {409: "idempotency_key_in_use", 429: "rate_limit"}
        return GatewayUnavailable(
            message, code=codes.get(status or 0, "server_error"), request_id=error.request_id
        )
    fallback = "idempotency_error" if isinstance(error, stripe.IdempotencyError) else "refused"
    return GatewayRefused(
        message,
        code=error.code or fallback,
        request_id=error.request_id,
        http_status=status,
        param=getattr(error, "param", None),
    )
