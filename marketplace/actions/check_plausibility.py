"""Hold a month of sales against what the pools can have run."""

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal

from django.db.models import Sum

from audit.decisions import Actor
from providers import green
from providers.actions.raise_case import raise_case
from providers.green.exact import months_later, start_of_day
from providers.models import PlausibilityCase, Pool
from providers.queries import PoolMeters, pool_meters
from scheduling.models import Listing, UsageRecord


def check_plausibility(*, month: date, actor: Actor, at: datetime) -> list[PlausibilityCase]:
    """Check every pool that sold in the civil month (Asia/Shanghai) beginning at `month`.

    Sold are the accelerator-hours of accepted usage that ended in the month. Raises the cases that
    are not there yet and returns them; nothing else is changed. Raises NotPermitted.
    """
    starts_at, ends_at = start_of_day(month), start_of_day(months_later(month, 1))
    sold = sold_hours(starts_at, ends_at)
    pools = Pool.objects.select_related("facility").in_bulk(list(sold))
    meters = pool_meters(list(sold), month=month)
    hours = Decimal(int((ends_at - starts_at).total_seconds())) / 3600
    raised: list[PlausibilityCase | None] = []
    for pk in sorted(sold):
        for suspicion in _suspicions(pools[pk], sold[pk], meters.get(pk), hours):
            raised.append(
                raise_case(
                    suspicion=suspicion,
                    pool=pools[pk],
                    starts_at=starts_at,
                    ends_at=ends_at,
                    actor=actor,
                    at=at,
                )
            )
    for one, _other, suspicion in green.listed_twice(_listed()):
        raised.append(
            raise_case(
                suspicion=suspicion,
                pool=Pool.objects.select_related("facility").get(pk=one.pool_id),
                starts_at=starts_at,
                ends_at=ends_at,
                actor=actor,
                at=at,
            )
        )
    return [case for case in raised if case is not None]


def sold_hours(starts_at: datetime, ends_at: datetime) -> dict[int, Decimal]:
    """Accelerator-hours of accepted usage by pool, of intervals that ended in the period."""
    rows = (
        UsageRecord.objects.filter(
            state="accepted", period__endswith__gt=starts_at, period__endswith__lte=ends_at
        )
        .values("job__allocation__placement__pool_id")
        .annotate(hours=Sum("accelerator_hours"))
        .values_list("job__allocation__placement__pool_id", "hours")
    )
    return {pool: hours for pool, hours in rows if pool is not None}


def _suspicions(
    pool: Pool, sold: Decimal, meters: PoolMeters | None, hours: Decimal
) -> Iterable[green.Suspicion]:
    checks = (
        green.sold_above_installed(sold_hours=sold, units=pool.units, hours=hours),
        green.hours_above_energy(
            sold_hours=sold,
            it_kwh=None if meters is None else meters.it_kwh,
            kw_per_unit=pool.kw_per_unit,
        ),
        green.useful_below_sold(
            sold_hours=sold, useful_hours=None if meters is None else meters.accelerator_hours
        ),
    )
    return [each for each in checks if each is not None]


def _listed() -> list[green.ListedSlice]:
    rows = Listing.objects.filter(owner=True, pool__state="active").values_list(
        "pool_id",
        "pool__slice_id",
        "pool__facility_id",
        "pool__accelerator__code",
        "pool__units",
        "platform__name",
    )
    listed = [green.ListedSlice(*row) for row in rows]
    # Only facilities on more than one platform can hold a pair.
    platforms: dict[int, set[str]] = {}
    for each in listed:
        platforms.setdefault(each.facility_id, set()).add(each.platform)
    return [each for each in listed if len(platforms[each.facility_id]) > 1]
