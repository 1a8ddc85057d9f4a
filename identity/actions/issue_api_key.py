"""Issue a key for a machine that acts under a membership; shown once, stored hashed."""

from datetime import datetime

from django.db import transaction

from audit.actions.record import record
from audit.decisions import Actor, Invalid
from identity.models import ApiKey, Membership


@transaction.atomic
def issue_api_key(
    *,
    membership: Membership,
    name: str,
    actor: Actor,
    at: datetime,
    expires_at: datetime | None = None,
) -> str:
    """Return the plain key, which cannot be read again.

    Raises Invalid for an end that lies not after `at`.
    """
    if expires_at is not None and expires_at <= at:
        raise Invalid("expires_at", "lies in the past", "已是过去时间")
    api_key, plain = ApiKey.objects.create_key(
        name=name, membership=membership, expiry_date=expires_at
    )
    record(
        "api_key.issued",
        subject=("identity.apikey", api_key.prefix),
        actor=actor,
        at=at,
        data={"membership_id": membership.pk, "name": name, "expires_at": expires_at},
    )
    return plain
