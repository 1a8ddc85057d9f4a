"""List a pool on a platform: one platform owns its capacity, others only refer to it."""

from datetime import datetime

from django.db import transaction

from audit.actions.record import record
from audit.decisions import Actor
from providers.models import Pool
from scheduling.models import Listing, Platform


@transaction.atomic
def list_pool(*, pool: Pool, platform: Platform, actor: Actor, at: datetime) -> Listing:
    """The pool's listing on `platform`; the first platform it is listed on owns its capacity."""
    existing = Listing.objects.filter(pool=pool, platform=platform).first()
    if existing is not None:
        return existing
    pool = Pool.objects.select_for_update().get(pk=pool.pk)
    owned = Listing.objects.filter(pool=pool, owner=True).exists()
    listing = Listing.objects.create(pool=pool, platform=platform, owner=not owned)
    record(
        "pool.listed",
        subject=listing,
        actor=actor,
        at=at,
        data={"pool_id": pool.pk, "platform_id": platform.pk, "owner": listing.owner},
    )
    return listing
