"""Energy of jobs, the first of these that there is, and together never above the facility's meter.

  pool_meter      the pool's metered IT energy of the month, shared by accelerator-hours
  platform_meter  the energy the platform metered for this very job
  estimated       board power (TDP) x accelerator-hours x the pool's measured utilization
  unknown         none of them
times the PUE of the rating in force when the job ended. Where the jobs of a clock hour come to more
than the facility metered in it, all of them are scaled down to the meter.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Count, Max, Min, Q, QuerySet, Sum

from providers import green
from providers.green.exact import QUANTITY, civil_day, months_later, start_of_day
from providers.models import GreenRating, Pool
from providers.queries import PoolMeters, facility_hours, pool_meters
from scheduling.models import UsageRecord

COVERED = Decimal("0.95")  # of the month's hours, or the pool's meter does not speak for it
PLACED = "job__allocation__placement__"
IN_FACILITIES = f"{PLACED}pool__facility__in"
MICROSECOND = timedelta(microseconds=1)
JobMonth = tuple[int, date]


@dataclass(frozen=True, slots=True)
class UsedEnergy:
    """A job's energy in a month; `cut_kwh` of it was taken off at the facility's meter."""

    pool: int
    facility: int
    basis: str
    energy: green.JobEnergy | None
    rating: GreenRating | None
    cut_kwh: Decimal | None


@dataclass(frozen=True, slots=True)
class FacilityMonth:
    """All jobs of a facility that ended in a month, by job; the hours that had to be scaled down,
    and the pool of which most was cut."""

    jobs: dict[int, UsedEnergy]
    exceeded: tuple[green.ExceededHour, ...]
    most_cut_pool: int | None


@dataclass(frozen=True, slots=True)
class _Record:
    job: int
    facility: int
    starts_at: datetime
    ends_at: datetime
    hours: Decimal

    @property
    def key(self) -> JobMonth:
        return self.job, civil_day(self.ends_at - MICROSECOND).replace(day=1)


def sold_hours(starts_at: datetime, ends_at: datetime) -> dict[int, Decimal]:
    """Accelerator-hours of accepted usage by pool, of intervals that ended in the period."""
    rows = (
        _ended(starts_at, ends_at)
        .values(f"{PLACED}pool_id")
        .annotate(hours=Sum("accelerator_hours"))
        .values_list(f"{PLACED}pool_id", "hours")
    )
    return {pool: hours for pool, hours in rows if pool is not None}


def jobs_of_month(month: date, **where: Any) -> Any:
    """Usage by job, of intervals that ended in the civil month (Asia/Shanghai)."""
    return (
        _ended(*span_of(month))
        .filter(**where)
        .values("job_id")
        .annotate(
            pool=Max(f"{PLACED}pool_id"),
            workload=Min(f"{PLACED}workload__reference"),
            order=Max("job__allocation__order__pk"),
            hours=Sum("accelerator_hours"),
            kwh=Sum("energy_kwh"),
            without_kwh=Count("pk", filter=Q(energy_kwh__isnull=True)),
            ended_at=Max("period__endswith"),
        )
        .order_by("ended_at", "job_id")
    )


def span_of(month: date) -> tuple[datetime, datetime]:
    """The civil month that begins at `month`."""
    return start_of_day(month), start_of_day(months_later(month, 1))


def facility_months(facilities: Collection[int], *, month: date) -> dict[int, FacilityMonth]:
    """The energy of every job that ended in the civil month, by facility, held to its meter.

    An interval that crosses the month's ends shares those hours with the jobs of the neighboring
    month. The number of queries depends on the months that are touched, not on the jobs.
    """
    records = _records(facilities, month)
    used, hours = _used(facilities, sorted({record.key[1] for record in records} | {month}))
    asked = _asked(records, used, hours)
    metered = _metered(facilities, records)
    return {
        facility: _held(facility, month, used, asked.get(facility, {}), metered.get(facility, {}))
        for facility in facilities
    }


def _ended(starts_at: datetime, ends_at: datetime) -> QuerySet[UsageRecord]:
    return UsageRecord.objects.filter(
        state="accepted", period__endswith__gt=starts_at, period__endswith__lte=ends_at
    )


def _records(facilities: Collection[int], month: date) -> list[_Record]:
    """What overlaps the month, and what ended before it in hours that this touches."""
    starts_at, ends_at = span_of(month)
    own = _overlapping(facilities, starts_at, ends_at)
    first = min((record.starts_at for record in own), default=starts_at)
    if first >= starts_at:
        return own
    known = {(record.job, record.starts_at) for record in own}
    before = _overlapping(facilities, first.replace(minute=0, second=0, microsecond=0), starts_at)
    return own + [each for each in before if (each.job, each.starts_at) not in known]


def _overlapping(
    facilities: Collection[int], starts_at: datetime, ends_at: datetime
) -> list[_Record]:
    rows = (
        UsageRecord.objects.filter(state="accepted", **{IN_FACILITIES: facilities})
        .filter(period__overlap=(starts_at, ends_at))
        .values_list("job_id", f"{PLACED}pool__facility_id", "period", "accelerator_hours")
    )
    return [
        _Record(job, facility, period.lower, period.upper, hours)
        for job, facility, period, hours in rows
    ]


def _used(
    facilities: Collection[int], months: list[date]
) -> tuple[dict[JobMonth, UsedEnergy], dict[JobMonth, Decimal]]:
    """Each job's own energy and accelerator-hours, month by month, before the facility's meter."""
    used: dict[JobMonth, UsedEnergy] = {}
    hours: dict[JobMonth, Decimal] = {}
    ratings = _ratings(facilities, span_of(months[-1])[1])
    for month in months:
        starts_at, ends_at = span_of(month)
        rows = list(jobs_of_month(month, **{IN_FACILITIES: facilities}))
        ids = sorted({row["pool"] for row in rows})
        pools = Pool.objects.select_related("accelerator").in_bulk(ids)
        meters, sold = pool_meters(ids, month=month), sold_hours(starts_at, ends_at)
        month_hours = Decimal(int((ends_at - starts_at).total_seconds())) / 3600
        for row in rows:
            pool = pools[row["pool"]]
            rating = _in_force(ratings.get(pool.facility_id, []), row["ended_at"])
            basis, energy = _energy(
                row,
                pool,
                meters.get(pool.pk),
                sold.get(pool.pk, Decimal(0)),
                month_hours,
                rating.pue if rating else None,
            )
            key, uncut = (row["job_id"], month), None if energy is None else Decimal(0)
            hours[key] = row["hours"]
            used[key] = UsedEnergy(pool.pk, pool.facility_id, basis, energy, rating, uncut)
    return used, hours


def _asked(
    records: list[_Record],
    used: dict[JobMonth, UsedEnergy],
    hours: dict[JobMonth, Decimal],
) -> dict[int, dict[datetime, dict[JobMonth, Decimal]]]:
    """kWh by facility, clock hour and job: a job's energy lies evenly over its hours of use."""
    asked: dict[int, dict[datetime, dict[JobMonth, Decimal]]] = {}
    for record in records:
        energy = used[record.key].energy
        if energy is None or not hours[record.key]:
            continue
        part = energy.facility_kwh * record.hours / hours[record.key]
        by_hour = asked.setdefault(record.facility, {})
        for hour, kwh in green.by_clock_hour(record.starts_at, record.ends_at, part):
            of_hour = by_hour.setdefault(hour, {})
            of_hour[record.key] = of_hour.get(record.key, Decimal(0)) + kwh
    return asked


def _metered(
    facilities: Collection[int], records: list[_Record]
) -> dict[int, dict[datetime, Decimal]]:
    if not records:
        return {}
    first = min(record.starts_at for record in records)
    return facility_hours(
        facilities,
        starts_at=first.replace(minute=0, second=0, microsecond=0),
        ends_at=max(record.ends_at for record in records) + timedelta(hours=1),
    )


def _held(
    facility: int,
    month: date,
    used: dict[JobMonth, UsedEnergy],
    asked: dict[datetime, dict[JobMonth, Decimal]],
    metered: dict[datetime, Decimal],
) -> FacilityMonth:
    cut, exceeded = green.within_facility(asked, metered)
    by_pool: dict[int, Decimal] = {}
    for key, kwh in cut.items():
        by_pool[used[key].pool] = by_pool.get(used[key].pool, Decimal(0)) + kwh
    starts_at, ends_at = span_of(month)
    return FacilityMonth(
        jobs={
            job: _cut(each, cut[job, of_month]) if (job, of_month) in cut else each
            for (job, of_month), each in used.items()
            if of_month == month and each.facility == facility
        },
        exceeded=tuple(each for each in exceeded if starts_at <= each.starts_at < ends_at),
        most_cut_pool=max(by_pool, key=lambda pool: (by_pool[pool], -pool), default=None),
    )


def _cut(used: UsedEnergy, kwh: Decimal) -> UsedEnergy:
    """The same with `kwh` less at the facility, and in proportion at the servers; cut, not rounded
    up."""
    assert used.energy is not None  # only known energy is cut
    whole = used.energy.facility_kwh
    left = (whole - kwh).quantize(QUANTITY, rounding="ROUND_DOWN")
    it_kwh = (used.energy.it_kwh * left / whole).quantize(QUANTITY, rounding="ROUND_DOWN")
    energy = replace(used.energy, facility_kwh=left, it_kwh=it_kwh)
    return replace(used, energy=energy, cut_kwh=whole - left)


def _ratings(facilities: Collection[int], before: datetime) -> dict[int, list[GreenRating]]:
    found: dict[int, list[GreenRating]] = {}
    rows = GreenRating.objects.filter(
        facility__in=facilities, valid__isnull=False, valid__startswith__lt=before
    )
    for rating in rows.order_by("period", "pk"):
        found.setdefault(rating.facility_id, []).append(rating)
    return found


def _in_force(ratings: list[GreenRating], at: datetime) -> GreenRating | None:
    held = [
        rating
        for rating in ratings
        if rating.valid.lower <= at < rating.valid.upper
        and (rating.revoked_from is None or at < rating.revoked_from)
    ]
    return held[-1] if held else None


def _energy(
    row: dict[str, Any],
    pool: Pool,
    meters: PoolMeters | None,
    sold: Decimal,
    month_hours: Decimal,
    pue: Decimal | None,
) -> tuple[str, green.JobEnergy | None]:
    hours = row["hours"]
    if meters and meters.it_kwh is not None and meters.hours >= COVERED * month_hours:
        whole = meters.accelerator_hours
        whole = pool.units * meters.hours if whole is None else whole
        others = max(sold - hours, Decimal(0))
        share = green.share_energy(
            it_kwh=meters.it_kwh, pool_hours=whole, job_hours=[hours, others]
        )[0]
        return "pool_meter", green.job_energy(metered_it_kwh=share, pue=pue)
    if row["kwh"] is not None and not row["without_kwh"]:
        return "platform_meter", green.job_energy(metered_it_kwh=row["kwh"], pue=pue)
    utilization = None
    if meters and meters.accelerator_hours is not None:
        utilization = min(meters.accelerator_hours / (pool.units * month_hours), Decimal(1))
    energy = green.job_energy(
        metered_it_kwh=None,
        pue=pue,
        tdp_w=pool.accelerator.tdp_w,
        accelerator_hours=hours,
        utilization=utilization,
    )
    return ("unknown" if energy is None else "estimated"), energy
