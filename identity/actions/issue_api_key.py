"""Issue a key for a machine that acts under a membership; shown once, stored hashed."""

from datetime import datetime

from django.db import transaction

from audit.actions.record import record
from audit.decisions import Actor
from identity.models import ApiKey, Membership


@transaction.atomic
def issue_api_key(*, membership: Membership, name: str, actor: Actor, at: datetime) -> str:
    """Return the plain key, which cannot be read again."""
    api_key, plain = ApiKey.objects.create_key(name=name, membership=membership)
    record(
        "api_key.issued",
        subject=("identity.apikey", api_key.prefix),
        actor=actor,
        at=at,
        data={"membership_id": membership.pk, "name": name},
    )
    return plain
