"""What the control room looks up."""

from datetime import datetime

from providers.models import Pool, PriceVersion


def price_version_at(pool: Pool, at: datetime | str) -> PriceVersion | None:
    """The price version of a pool's listed offer at an instant; None when it has none then."""
    instant = datetime.fromisoformat(at) if isinstance(at, str) else at
    return PriceVersion.objects.filter(
        offer__pool=pool, offer__state="listed", valid__contains=instant
    ).first()
