"""One call to the gateway, as the verbs see it."""

import secrets
from dataclasses import dataclass
from typing import Any

from marketplace.sandbox_gateway.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """Decoded parameters, the account acted for (empty: the platform) and the second it is."""

    store: Store
    params: dict[str, Any]
    path: dict[str, str]
    account: str
    now: int
    base_url: str
    request_id: str
    idempotency_key: str | None


def new_id(prefix: str) -> str:
    """An id of Stripe's kind: prefix and 24 letters and digits."""
    return f"{prefix}_{secrets.token_hex(12)}"
