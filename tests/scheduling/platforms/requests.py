"""A dispatch request with sensible values, any of which a test may change."""

import uuid
from datetime import UTC, datetime
from decimal import Decimal

from scheduling.platforms.connectors.contract import DispatchRequest


def dispatch_request(receiver_url: str, /, **changes) -> DispatchRequest:
    fields = {
        "lease_id": str(uuid.uuid4()),
        "pool_code": "zhongwei-a",
        "accelerator_model": "sample-accelerator",
        "accelerator_count": 8,
        "starts_at": datetime(2026, 11, 22, 16, 0, tzinfo=UTC),
        "duration_hours": Decimal("6.5"),
        "callback_url": receiver_url,
        "power_kw_per_accelerator": Decimal("0.55"),
    }
    return DispatchRequest(**fields | changes)
