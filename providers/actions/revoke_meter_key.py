"""Take an agent's key out of use."""

from datetime import datetime

from django.db import transaction

from audit.actions.record import record
from audit.decisions import Actor, StaleState
from providers.models import MeterKey
from providers.policy import require_provider


@transaction.atomic
def revoke_meter_key(*, key: MeterKey, actor: Actor, at: datetime) -> MeterKey:
    """What it signs from now on is refused; what it signed stays. Raises NotPermitted, NotFound,
    StaleState."""
    require_provider(actor, key.facility.provider_id)
    moved = MeterKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=at)
    key.refresh_from_db()
    if not moved:
        raise StaleState(thing="meter key", current="revoked", needed="in use")
    record("meter_key.revoked", subject=key, actor=actor, at=at, data={"key_id": key.key_id})
    return key
