"""What may be seen, and the supply side as the control room needs it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db.models import Prefetch, Q, QuerySet

from audit.decisions import Actor
from identity.policy import sees_everything
from identity.roles import GOVERNMENT_ROLES, Role
from providers.facts import GridFactorUnknown, load_grid_factors
from providers.green.exact import civil_day
from providers.models import (
    Closure,
    Facility,
    GreenCertificate,
    GreenRating,
    ImportFile,
    Meter,
    MeterGap,
    MeterKey,
    MeterMonth,
    MeterReading,
    Offer,
    PlausibilityCase,
    Pool,
    PoolWindow,
    PriceVersion,
)

HOUR = timedelta(hours=1)
_SHOPPERS = (Role.ENTERPRISE_APPLICANT, Role.ENTERPRISE_APPROVER, Role.PLATFORM_OPERATOR)
_IN_FORCE = ("approved", "challenged")


def _reads_all(actor: Actor) -> bool:
    return sees_everything(actor) or actor.has(*GOVERNMENT_ROLES)


def visible_facilities(actor: Actor) -> QuerySet[Facility]:
    """One's own; all for government bodies; those on the market for who shops there."""
    rows = Facility.objects.select_related("provider", "hub_area")
    if _reads_all(actor):
        return rows
    mine = Q(provider_id=actor.organization_id)
    if actor.has(*_SHOPPERS):
        listed = Offer.objects.filter(state="listed").values("pool__facility_id")
        mine |= Q(pk__in=listed)
    return rows.filter(mine)


def visible_pools(actor: Actor) -> QuerySet[Pool]:
    """One's own; all for government bodies; listed ones for who shops."""
    rows = Pool.objects.select_related("facility", "accelerator")
    if _reads_all(actor):
        return rows
    mine = Q(facility__provider_id=actor.organization_id)
    if actor.has(*_SHOPPERS):
        mine |= Q(pk__in=Offer.objects.filter(state="listed").values("pool_id"))
    return rows.filter(mine)


def visible_closures(actor: Actor) -> QuerySet[Closure]:
    """One's own; all for government bodies and platform operators."""
    rows = Closure.objects.select_related("pool__facility").order_by("-pk")
    if _reads_all(actor) or actor.has(Role.PLATFORM_OPERATOR):
        return rows
    return rows.filter(pool__facility__provider_id=actor.organization_id)


def visible_imports(actor: Actor) -> QuerySet[ImportFile]:
    """One's own files; all for government bodies. The bytes are left out."""
    rows = ImportFile.objects.defer("content")
    return rows if _reads_all(actor) else rows.filter(provider_id=actor.organization_id)


def visible_offers(actor: Actor) -> QuerySet[Offer]:
    """One's own; all for government bodies; listed ones for who shops."""
    rows = Offer.objects.select_related("pool__facility", "pool__accelerator").prefetch_related(
        Prefetch("prices", PriceVersion.objects.order_by("valid"))
    )
    if _reads_all(actor):
        return rows
    mine = Q(pool__facility__provider_id=actor.organization_id)
    if actor.has(*_SHOPPERS):
        mine |= Q(state="listed")
    return rows.filter(mine)


def visible_prices(actor: Actor) -> QuerySet[PriceVersion]:
    """The prices of the offers one sees."""
    offers = visible_offers(actor).prefetch_related(None).values("pk")
    return PriceVersion.objects.filter(offer_id__in=offers)


def visible_meters(actor: Actor) -> QuerySet[Meter]:
    """One's own; all for government bodies. Meters are nobody else's business."""
    rows = Meter.objects.select_related("facility")
    return rows if _reads_all(actor) else rows.filter(facility__provider_id=actor.organization_id)


def visible_readings(actor: Actor) -> QuerySet[MeterReading]:
    """One's own; all for government bodies."""
    rows = MeterReading.objects.select_related("meter", "source")
    if _reads_all(actor):
        return rows
    return rows.filter(meter__facility__provider_id=actor.organization_id)


@dataclass(frozen=True, slots=True)
class MeteredMonth:
    """One meter's civil month (Asia/Shanghai): the sum as last corrected, and the hours covered."""

    meter_id: int
    kind: str
    pool_id: int | None
    month: date
    quantity: Decimal
    hours: Decimal


def metered_months(
    facility: Facility, *, starts_at: datetime, ends_at: datetime
) -> list[MeteredMonth]:
    """Every meter of `facility` by civil month that begins in [starts_at, ends_at), rolled up as
    the readings came in; a month without a reading has no row. One query."""
    rows = MeterMonth.objects.filter(
        meter__facility=facility, month__gte=civil_day(starts_at), month__lt=civil_day(ends_at)
    ).order_by("meter_id", "month")
    return [
        MeteredMonth(meter, kind, pool, month, quantity, Decimal(seconds) / 3600)
        for meter, kind, pool, month, quantity, seconds in rows.values_list(
            "meter_id", "meter__kind", "meter__pool_id", "month", "quantity", "seconds"
        )
    ]


@dataclass(frozen=True, slots=True)
class PoolMeters:
    """What a pool's own meters say of a month; None = not metered. `hours` of IT energy covered."""

    it_kwh: Decimal | None
    accelerator_hours: Decimal | None
    hours: Decimal


def pool_meters(pools: Sequence[int], *, month: date) -> dict[int, PoolMeters]:
    """The meters of `pools` in a civil month; a pool without a meter is left out. One query."""
    found: dict[int, dict[str, tuple[Decimal, Decimal]]] = {}
    rows = MeterMonth.objects.filter(meter__pool__in=pools, month=month).values_list(
        "meter__pool_id", "meter__kind", "quantity", "seconds"
    )
    for pool, kind, quantity, seconds in rows:
        of_pool = found.setdefault(pool, {})
        before = of_pool.get(kind, (Decimal(0), Decimal(0)))
        of_pool[kind] = (before[0] + quantity, before[1] + Decimal(seconds) / 3600)
    return {
        pool: PoolMeters(
            it_kwh=kinds["it_kwh"][0] if "it_kwh" in kinds else None,
            accelerator_hours=(
                kinds["accelerator_hours"][0] if "accelerator_hours" in kinds else None
            ),
            hours=kinds["it_kwh"][1] if "it_kwh" in kinds else Decimal(0),
        )
        for pool, kinds in found.items()
    }


def facility_hours(
    facilities: Collection[int], *, starts_at: datetime, ends_at: datetime
) -> dict[int, dict[datetime, Decimal]]:
    """kWh each facility's own meter counted by clock hour, as last corrected; hours it did not
    cover whole are left out. One query."""
    newest = (
        MeterReading.objects.filter(
            meter__facility__in=facilities,
            meter__pool__isnull=True,
            meter__kind=Meter.Kind.FACILITY_TOTAL,
            state="accepted",
            starts_at__gte=starts_at,
            starts_at__lt=ends_at,
        )
        .order_by("meter_id", "starts_at", "-revision")
        .distinct("meter_id", "starts_at")
        .values_list("meter__facility_id", "starts_at", "period", "quantity")
    )
    sums: dict[tuple[int, datetime], tuple[timedelta, Decimal]] = {}
    for facility, began, period, quantity in newest.iterator(chunk_size=10_000):
        key = facility, began.replace(minute=0, second=0, microsecond=0)
        covered, kwh = sums.get(key, (timedelta(0), Decimal(0)))
        sums[key] = covered + (period.upper - period.lower), kwh + quantity
    found: dict[int, dict[datetime, Decimal]] = {}
    for (facility, hour), (covered, kwh) in sums.items():
        if covered >= timedelta(hours=1):
            found.setdefault(facility, {})[hour] = kwh
    return found


def visible_cases(actor: Actor) -> QuerySet[PlausibilityCase]:
    """One's own; all for government bodies."""
    rows = PlausibilityCase.objects.select_related("pool", "facility", "provider")
    return rows if _reads_all(actor) else rows.filter(provider_id=actor.organization_id)


def visible_meter_keys(actor: Actor) -> QuerySet[MeterKey]:
    """One's own; all for government bodies."""
    rows = MeterKey.objects.select_related("facility")
    return rows if _reads_all(actor) else rows.filter(facility__provider_id=actor.organization_id)


def visible_gaps(actor: Actor) -> QuerySet[MeterGap]:
    """The gaps of the meters one sees."""
    return MeterGap.objects.filter(meter__in=visible_meters(actor).values("pk"))


def visible_certificates(actor: Actor) -> QuerySet[GreenCertificate]:
    """One's own; all for government bodies."""
    rows = GreenCertificate.objects.select_related("allocation")
    return rows if _reads_all(actor) else rows.filter(owner_id=actor.organization_id)


def visible_ratings(actor: Actor) -> QuerySet[GreenRating]:
    """One's own; all for government bodies; for who shops, the ratings that came into force."""
    rows = GreenRating.objects.select_related("facility")
    if _reads_all(actor):
        return rows
    mine = Q(facility__provider_id=actor.organization_id)
    if actor.has(*_SHOPPERS):
        mine |= Q(state__in=[*_IN_FORCE, "revoked"])
    return rows.filter(mine)


def ratings_in_force(at: datetime) -> QuerySet[GreenRating]:
    """Approved, not expired and not revoked at `at`; a challenge alone takes nothing away."""
    return GreenRating.objects.filter(valid__contains=at).filter(
        Q(state__in=_IN_FORCE) | Q(state="revoked", revoked_from__gt=at)
    )


def rating_at(facility: Facility, at: datetime) -> GreenRating | None:
    """The rating of `facility` that holds at `at`; None = unrated, never zero."""
    return ratings_in_force(at).filter(facility=facility).order_by("-period", "-pk").first()


def price_at(offer: Offer, at: datetime) -> PriceVersion | None:
    """The price of `offer` at `at`; None when it has none then."""
    return offer.prices.filter(valid__contains=at).first()


@dataclass(frozen=True)
class MarketPool:
    """One listed pool over a horizon of whole hours.

    price_fen_per_unit_hour  whole fen, one figure, or one per hour of the horizon
    available        half-open (from_hour, to_hour) windows with a price; None = always
    kw_per_unit      IT power of one busy unit, kW
    pue              metered, from the rating in force; None = unknown
    green_tier       4 (best) .. 1; None = unrated
    green_share      share 0..1 of on-site and direct green power; None = unknown
    grid_kg_per_kwh  the province's newest published factor; None = none is published
    grid_factor_basis   where that factor comes from
    """

    pool_id: int
    pool_code: str
    facility_id: int
    facility_name: str
    provider_id: int
    kind: str
    adcode: str
    units: int
    kw_per_unit: Decimal
    price_fen_per_unit_hour: int | list[int]
    available: list[tuple[int, int]] | None
    rating_id: int | None
    green_tier: int | None
    green_share: Decimal | None
    pue: Decimal | None
    grid_kg_per_kwh: Decimal | None
    grid_factor_basis: str
    sample: bool


def market_pools(*, at: datetime, starts_at: datetime, hours: int) -> list[MarketPool]:
    """Listed pools with a price somewhere in [starts_at, starts_at + hours), in order of pool.

    Ratings are those in force at `at`, the moment of decision. Hours that a standing closure
    touches are closed. Five queries, whatever the size.
    """
    ends_at = starts_at + hours * HOUR
    offers = (
        Offer.objects.filter(state="listed", pool__state="active")
        .select_related("pool__facility", "pool__accelerator")
        .prefetch_related(
            Prefetch(
                "prices",
                PriceVersion.objects.filter(valid__overlap=(starts_at, ends_at)).order_by("valid"),
            ),
            Prefetch("pool__windows", PoolWindow.objects.order_by("available")),
            Prefetch(
                "pool__closures",
                Closure.objects.filter(lifted_at=None, period__overlap=(starts_at, ends_at)),
            ),
        )
        .order_by("pool_id")
    )
    ratings: dict[int, GreenRating] = {}
    for rating in ratings_in_force(at).order_by("period", "pk"):
        ratings[rating.facility_id] = rating  # the newest period wins
    factors: dict[str, tuple[Decimal | None, str]] = {}
    rows = []
    for offer in offers:
        prices = _hourly_prices(offer.prices.all(), starts_at, hours)
        open_hours = _open_hours(offer.pool.windows.all(), starts_at, hours)
        for closed in offer.pool.closures.all():
            period = (closed.period.lower, closed.period.upper)
            for hour in _span(*period, starts_at, hours, whole=False, touched=True):
                open_hours[hour] = False
        usable = open_hours
        if None in prices:
            usable = [p is not None and o for p, o in zip(prices, open_hours, strict=True)]
        if not any(usable):
            continue
        pool, facility = offer.pool, offer.pool.facility
        province = facility.adcode[:2] + "0000"
        if province not in factors:
            factors[province] = _grid_factor(province, at)
        held = ratings.get(facility.pk)
        rows.append(
            MarketPool(
                pool_id=pool.pk,
                pool_code=pool.code,
                facility_id=facility.pk,
                facility_name=facility.name,
                provider_id=facility.provider_id,
                kind=pool.accelerator.code,
                adcode=facility.adcode,
                units=pool.units,
                kw_per_unit=pool.kw_per_unit,
                price_fen_per_unit_hour=_one_or_many(prices),
                available=None if all(usable) else _windows(usable),
                rating_id=held.pk if held else None,
                green_tier=held.green_tier if held else None,
                green_share=held.green_share if held else None,
                pue=held.pue if held else None,
                grid_kg_per_kwh=factors[province][0],
                grid_factor_basis=factors[province][1],
                sample=pool.sample or facility.sample,
            )
        )
    return rows


def _span(
    starts: datetime | None,
    ends: datetime | None,
    starts_at: datetime,
    hours: int,
    *,
    whole: bool,
    touched: bool = False,
) -> range:
    """The hours of the horizon inside [starts, ends): lying in it wholly, beginning in it, or
    touched by it at all."""
    first, last = 0, hours
    if starts is not None:
        first = max(0, (starts - starts_at) // HOUR if touched else -((starts_at - starts) // HOUR))
    if ends is not None:
        last = (ends - starts_at) // HOUR if whole else -((starts_at - ends) // HOUR)
    return range(first, max(first, min(hours, last)))


def _hourly_prices(
    versions: Sequence[PriceVersion] | QuerySet[PriceVersion], starts_at: datetime, hours: int
) -> list[int | None]:
    prices: list[int | None] = [None] * hours
    for version in versions:
        upper = version.valid.upper
        if version.valid.lower <= starts_at and (
            upper is None or upper >= starts_at + hours * HOUR
        ):
            return [version.price_fen_per_unit_hour] * hours  # the usual case: one price throughout
        for hour in _span(version.valid.lower, version.valid.upper, starts_at, hours, whole=False):
            prices[hour] = version.price_fen_per_unit_hour
    return prices


def _open_hours(
    windows: Sequence[PoolWindow] | QuerySet[PoolWindow], starts_at: datetime, hours: int
) -> list[bool]:
    listed = list(windows)
    is_open = [not listed] * hours
    for window in listed:
        lower, upper = window.available.lower, window.available.upper
        for hour in _span(lower, upper, starts_at, hours, whole=True):
            is_open[hour] = True
    return is_open


def _one_or_many(prices: list[int | None]) -> int | list[int]:
    first = prices[0]
    if first is not None and prices.count(first) == len(prices):
        return first
    known = [price for price in prices if price is not None]
    if len(set(known)) == 1:
        return known[0]
    highest = max(known)  # stands in hours without a price, which are not available anyway
    return [highest if price is None else price for price in prices]


def _windows(usable: list[bool]) -> list[tuple[int, int]]:
    windows: list[tuple[int, int]] = []
    begun: int | None = None
    for hour, good in enumerate([*usable, False]):
        if good and begun is None:
            begun = hour
        elif not good and begun is not None:
            windows.append((begun, hour))
            begun = None
    return windows


def _grid_factor(province: str, at: datetime) -> tuple[Decimal | None, str]:
    day = civil_day(at)
    try:
        factor = load_grid_factors().province_newest(province, consumption_year=day.year, on=day)
    except GridFactorUnknown as unknown:
        return None, f"unknown: {unknown.text_en}"
    return (
        factor.kg_per_kwh,
        f"published: province {province}, data year {factor.data_year}, {factor.notice}; flat",
    )
