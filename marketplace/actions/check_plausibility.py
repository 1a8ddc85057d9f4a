"""Hold a month of sales against what the pools can have run."""

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal

from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from audit.decisions import Actor
from marketplace.job_energy import facility_months, sold_hours, span_of
from providers import green
from providers.actions.raise_case import raise_case
from providers.models import PlausibilityCase, Pool
from providers.queries import PoolMeters, pool_meters
from scheduling.models import Listing

AT_ONCE = 100  # facilities whose hours are in memory together


def check_plausibility(*, month: date, actor: Actor, at: datetime) -> list[PlausibilityCase]:
    """Check every pool that sold in the civil month (Asia/Shanghai) beginning at `month`.

    Sold are the accelerator-hours of accepted usage that ended in the month. Raises the cases that
    are not there yet and returns them; nothing else is changed. Raises NotPermitted.
    """
    starts_at, ends_at = span_of(month)
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
    for pool, suspicion in _facilities_above_meter(month, pools):
        raised.append(
            raise_case(
                suspicion=suspicion,
                pool=pool,
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


def _facilities_above_meter(
    month: date, pools: dict[int, Pool]
) -> Iterable[tuple[Pool, green.Suspicion]]:
    """Facilities whose jobs come to more than the meter, under the pool of which most was cut.

    A facility that has its case of the month has it, whichever pool it stands under.
    """
    facilities = sorted({pool.facility_id for pool in pools.values()})
    for start in range(0, len(facilities), AT_ONCE):
        for found in facility_months(facilities[start : start + AT_ONCE], month=month).values():
            suspicion = green.jobs_above_facility(found.exceeded)
            if suspicion is None or found.most_cut_pool is None:
                continue
            pool = Pool.objects.select_related("facility").get(pk=found.most_cut_pool)
            if not PlausibilityCase.objects.filter(
                check_name=suspicion.check,
                facility=pool.facility,
                period=DateTimeTZRange(*span_of(month)),
            ).exists():
                yield pool, suspicion


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
