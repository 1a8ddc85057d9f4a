"""Builders for the supply side."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import count
from zoneinfo import ZoneInfo

from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from audit.decisions import SYSTEM
from identity.roles import Role
from providers.actions.add_meter import add_meter
from providers.actions.add_pool import add_pool
from providers.actions.check_rating import check_rating
from providers.actions.draft_offer import draft_offer
from providers.actions.draft_rating import draft_rating
from providers.actions.ingest_readings import IncomingReading, ingest_readings
from providers.actions.list_offer import list_offer
from providers.actions.load_supply_facts import load_supply_facts
from providers.actions.register_facility import register_facility
from providers.actions.set_price import set_price
from providers.actions.submit_rating import submit_rating
from providers.models import AcceleratorModel, Facility, GreenRating, Meter, Offer, Pool
from tests.factories import NOW, make_actor, make_organization

SHANGHAI = ZoneInfo("Asia/Shanghai")
YEAR_STARTS = datetime(2025, 1, 1, tzinfo=SHANGHAI)
YEAR_ENDS = datetime(2026, 1, 1, tzinfo=SHANGHAI)
FIRST_DAY = date(2025, 1, 1)
HOUR = timedelta(hours=1)
_numbers = count(1)


def make_facility(*, adcode: str = "150100", **site) -> Facility:
    provider = make_organization("provider", adcode=adcode)
    return register_facility(
        provider=provider,
        name=f"facility {next(_numbers)}",
        adcode=adcode,
        site=site,
        actor=SYSTEM,
        at=NOW,
    )


def provider_admin(facility: Facility):
    return make_actor(facility.provider, Role.PROVIDER_ADMIN)


def verifier():
    return make_actor(make_organization("government"), Role.RATING_VERIFIER)


def a_card() -> AcceleratorModel:
    load_supply_facts(actor=SYSTEM, at=NOW)
    return AcceleratorModel.objects.get(code="nvidia-a100-sxm4-80gb")


def make_pool(facility: Facility | None = None, *, units: int = 8, windows=()) -> Pool:
    return add_pool(
        facility=facility or make_facility(),
        code=f"pool-{next(_numbers)}",
        accelerator=a_card(),
        units=units,
        kw_per_unit=Decimal("0.5"),
        windows=windows,
        actor=SYSTEM,
        at=NOW,
    )


def make_offer(pool: Pool | None = None, *, price_fen: int = 1200, listed: bool = True) -> Offer:
    offer = draft_offer(pool=pool or make_pool(), actor=SYSTEM, at=NOW)
    set_price(offer=offer, price_fen_per_unit_hour=price_fen, starts_at=NOW, actor=SYSTEM, at=NOW)
    return list_offer(offer=offer, actor=SYSTEM, at=NOW) if listed else offer


def make_meter(facility: Facility, kind: str) -> Meter:
    return add_meter(facility=facility, kind=kind, code=kind, actor=SYSTEM, at=NOW)


def reading(meter: Meter, hour: int, kwh, *, event: str | None = None, hours: int = 1):
    starts_at = YEAR_STARTS + hour * HOUR
    return IncomingReading(
        meter_id=meter.pk,
        event_id=event or f"{meter.code}@{hour}",
        starts_at=starts_at,
        ends_at=starts_at + hours * HOUR,
        quantity=Decimal(str(kwh)),
    )


def ingest(facility: Facility, rows, *, source: str = "agent-1", actor=SYSTEM, at=NOW):
    return ingest_readings(facility=facility, source=source, readings=rows, actor=actor, at=at)


def meter_a_year(facility: Facility, *, it: str = "1000", total: str = "1185"):
    whole, part = make_meter(facility, "facility_total_kwh"), make_meter(facility, "it_kwh")
    rows = [reading(whole, hour, total) for hour in range(8760)]
    rows += [reading(part, hour, it) for hour in range(8760)]
    return ingest(facility, rows)


def rated(facility: Facility, *, actor=SYSTEM, first_day=FIRST_DAY, at=NOW) -> GreenRating:
    """Drafted, submitted and auto-checked."""
    rating = draft_rating(facility=facility, first_day=first_day, actor=actor, at=at)
    submit_rating(rating=rating, actor=SYSTEM, at=at)
    return check_rating(rating=rating, actor=SYSTEM, at=at)


def approve_row(row: GreenRating, valid: DateTimeTZRange, person_id: int) -> None:
    """Bring a hand-made rating into force along the drawn lines."""
    mine = GreenRating.objects.filter(pk=row.pk)
    for state in ("submitted", "auto_checked"):
        mine.update(state=state)
    mine.update(state="approved", approved_by=person_id, valid=valid)
    row.refresh_from_db()


UTC_NOW = NOW.astimezone(UTC)
