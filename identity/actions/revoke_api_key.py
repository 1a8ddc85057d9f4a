"""End a key before its time."""

from datetime import datetime

from django.db import transaction

from audit.actions.record import record
from audit.decisions import Actor
from identity.models import ApiKey


@transaction.atomic
def revoke_api_key(*, api_key: ApiKey, actor: Actor, at: datetime) -> ApiKey:
    """Requests with this key are refused from now on; revoking again changes nothing."""
    if ApiKey.objects.filter(pk=api_key.pk, revoked=False).update(revoked=True):
        record(
            "api_key.revoked",
            subject=("identity.apikey", api_key.prefix),
            actor=actor,
            at=at,
            data={"membership_id": api_key.membership_id, "name": api_key.name},
        )
    api_key.revoked = True
    return api_key
