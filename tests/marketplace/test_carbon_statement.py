"""An enterprise's month in two ledgers: metered before estimated, unknown stays unknown."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from audit.decisions import SYSTEM
from identity.roles import Role
from marketplace.carbon_statement import carbon_statement
from providers.actions.add_meter import add_meter
from providers.actions.ingest_readings import IncomingReading, ingest_readings
from providers.models import AcceleratorModel, GreenRating, MeterMonth
from scheduling.models import Job, UsageRecord
from tests.factories import NOW, make_actor, make_key, make_membership, make_organization
from tests.marketplace.orders import complete, make_buyer, place
from tests.providers.supply import approve_row
from tests.scheduling.builders import START, make_pool
from tests.vouchers.office import organization_of

pytestmark = pytest.mark.django_db
MONTH = date(2026, 3, 1)
LATER = NOW + timedelta(days=40)
ZHEJIANG_2023, RESIDUAL_2023 = Decimal("0.4974"), Decimal("0.6096")


@pytest.fixture
def buyer():
    return make_buyer()


def told(buyer):
    return carbon_statement(organization_of(buyer.actor), month=MONTH, at=LATER)


def ran(buyer, pool=None, *, hours="2", energy_kwh="1.8"):
    pool = pool or make_pool()
    complete(place(buyer, pool=pool), hours=hours, energy_kwh=energy_kwh)
    return pool


def rated(pool, *, pue="1.2", ref=None):
    verifier = make_actor(make_organization("government"), Role.RATING_VERIFIER)
    valid = DateTimeTZRange(NOW - timedelta(days=9), NOW + timedelta(days=300))
    row = GreenRating(
        facility=pool.facility,
        method_version="t",
        factors_version="t",
        period=valid,
        green_tier=3,
        score=60,
        score_possible=80,
        completeness=1,
        pue=Decimal(pue),
        indicators=[{"id": "ref", "value": ref}],
        findings={},
        computed_at=NOW,
    )
    row.save()
    approve_row(row, valid, verifier.person_id)


def test_what_the_platform_metered_times_pue_times_the_provinces_factor(buyer):
    rated(ran(buyer))
    (line,) = told(buyer).lines
    assert (line.basis, line.it_kwh, line.facility_kwh) == (
        "platform_meter",
        Decimal("1.8"),
        Decimal("2.16"),
    )
    assert line.location_kg == Decimal("2.16") * ZHEJIANG_2023
    assert line.market_kg == Decimal("2.16") * RESIDUAL_2023
    assert "公告2025年第47号" in line.location_factor_of
    assert line.sci_kg_per_hour is None


def made_of(pool, embodied_kg):
    AcceleratorModel.objects.filter(pk=pool.accelerator_id).update(embodied_kg=embodied_kg)


def test_an_sci_adds_the_making_of_the_card_to_its_operation(buyer):
    pool = ran(buyer)
    rated(pool)
    made_of(pool, Decimal("26.28"))  # 3 years are 26,280 hours: a gram an hour
    (line,) = told(buyer).lines
    assert line.embodied_kg == Decimal("0.002")  # two accelerator-hours
    assert line.operational_kg_per_hour == Decimal("0.537192")
    assert line.sci_kg_per_hour == Decimal("0.538192")


def test_a_card_nobody_published_a_footprint_of_has_no_sci(buyer):
    pool = ran(buyer)
    rated(pool)
    made_of(pool, None)
    (line,) = told(buyer).lines
    assert (line.embodied_kg, line.sci_kg_per_hour) == (None, None)
    assert line.operational_kg_per_hour is not None


def test_without_a_pue_there_is_no_sci(buyer):
    made_of(ran(buyer), 164)
    (line,) = told(buyer).lines
    assert line.embodied_kg is not None
    assert line.sci_kg_per_hour is None


def test_retired_certificates_lower_only_the_market_based_ledger(buyer):
    pool = ran(buyer)
    rated(pool)
    (before,) = told(buyer).lines
    rated(pool, ref="0.500000")
    (after,) = told(buyer).lines
    assert after.location_kg == before.location_kg
    assert after.market_kg == Decimal("1.08") * RESIDUAL_2023


def test_without_a_rating_the_overhead_is_unknown_and_said_so(buyer):
    ran(buyer)
    (line,) = told(buyer).lines
    assert (line.pue, line.facility_kwh, line.retired_kwh) == (None, Decimal("1.8"), None)


def test_without_any_meter_the_line_stays_without_a_figure(buyer):
    ran(buyer, energy_kwh=None)
    statement = told(buyer)
    (line,) = statement.lines
    assert (line.basis, line.location_kg, statement.unknown_lines) == ("unknown", None, 1)
    assert statement.total("location_kg") is None


def metered(pool, kind, quantity, hours=744):
    meter = add_meter(
        facility=pool.facility, pool=pool, kind=kind, code=f"{kind}-{pool.pk}", actor=SYSTEM, at=NOW
    )
    row = IncomingReading(meter.pk, f"{kind}@0", START, START + timedelta(hours=1), Decimal(1))
    ingest_readings(facility=pool.facility, source="t", readings=[row], actor=SYSTEM, at=LATER)
    MeterMonth.objects.filter(meter=meter).update(quantity=quantity, seconds=hours * 3600)


def test_tdp_times_measured_utilization_is_marked_estimated(buyer):
    pool = ran(buyer, energy_kwh=None)
    AcceleratorModel.objects.filter(pk=pool.accelerator_id).update(tdp_w=400)
    metered(pool, "accelerator_hours", pool.units * 744 // 2)
    (line,) = told(buyer).lines
    assert (line.basis, line.it_kwh) == ("estimated", Decimal("0.4"))  # 400 W x 2 h x 0.5


def test_jobs_share_the_pools_metered_energy_and_never_exceed_it(buyer):
    pool = make_pool()
    for hours in ("2", "3", "1"):
        ran(buyer, pool, hours=hours)
    metered(pool, "it_kwh", 10)
    metered(pool, "accelerator_hours", 5)
    lines = told(buyer).lines
    assert {line.basis for line in lines} == {"pool_meter"}
    assert sum(line.it_kwh for line in lines) <= 10
    assert sorted(line.it_kwh for line in lines) == [
        Decimal("1.666666"),
        Decimal("3.333333"),
        Decimal("5.000000"),
    ]


def meter_facility(pool, *kwh, first_hour=START):
    """The facility's own meter over the clock hours from `first_hour`."""
    meter = add_meter(
        facility=pool.facility, kind="facility_total_kwh", code="T", actor=SYSTEM, at=NOW
    )
    rows = [
        IncomingReading(meter.pk, f"T@{n}", at, at + timedelta(hours=1), Decimal(str(each)))
        for n, each in enumerate(kwh)
        for at in [first_hour + timedelta(hours=n)]
    ]
    ingest_readings(facility=pool.facility, source="t", readings=rows, actor=SYSTEM, at=LATER)


def ran_over(buyer, pool, starts_at, ends_at, *, energy_kwh):
    """A job that used two cards evenly over a span of the test's choosing."""
    order = place(buyer, pool=pool)
    UsageRecord.objects.create(
        job=Job.objects.get(allocation=order.allocation_id),
        source="test",
        event_id=f"over-{order.pk}",
        meter=f"over-{order.pk}",
        period=DateTimeTZRange(starts_at, ends_at),
        accelerator_hours=Decimal(2),
        energy_kwh=Decimal(energy_kwh),
        state="accepted",
        simulated=True,
    )


def test_jobs_of_all_enterprises_together_never_exceed_the_facilitys_meter(buyer):
    pool, other = make_pool(units=64), make_buyer()
    rated(pool)
    hour = START + timedelta(hours=40)
    ran_over(buyer, pool, hour, hour + timedelta(hours=1), energy_kwh="10")
    ran_over(other, pool, hour, hour + timedelta(hours=1), energy_kwh="20")
    ran_over(other, pool, hour + timedelta(hours=1), hour + timedelta(hours=2), energy_kwh="1")
    meter_facility(pool, 18, 18, first_hour=hour)
    (mine,), (theirs, within) = told(buyer).lines, told(other).lines
    assert (mine.facility_kwh, theirs.facility_kwh) == (Decimal(6), Decimal(12))  # of 12 and 24
    assert (mine.it_kwh, mine.cut_kwh) == (Decimal(5), Decimal(6))
    assert mine.location_kg == 6 * ZHEJIANG_2023
    assert (within.facility_kwh, within.cut_kwh) == (Decimal("1.2"), Decimal(0))
    assert told(buyer).as_dict()["cut_lines"] == 1


def test_an_interval_over_the_months_end_shares_its_hours_with_the_neighboring_month(buyer):
    pool = make_pool(units=64)
    end = datetime(2026, 3, 31, 16, tzinfo=UTC)  # the civil month's end
    ran_over(buyer, pool, end - timedelta(hours=1), end, energy_kwh="10")
    ran_over(buyer, pool, end - timedelta(hours=1), end + timedelta(hours=1), energy_kwh="20")
    meter_facility(pool, 10, 100, first_hour=end - timedelta(hours=1))
    march = told(buyer).lines
    april = carbon_statement(organization_of(buyer.actor), month=date(2026, 4, 1), at=LATER).lines
    assert [line.facility_kwh for line in march] == [Decimal(5)]
    assert [line.facility_kwh for line in april] == [Decimal(15)]  # 5 of 10, and 10 of 10


def test_an_hour_the_facility_did_not_meter_whole_bounds_nothing(buyer):
    pool = make_pool(units=64)
    hour = START + timedelta(hours=40)
    ran_over(buyer, pool, hour, hour + timedelta(hours=1), energy_kwh="10")
    meter_facility(pool, 1, first_hour=hour + timedelta(hours=1))
    (line,) = told(buyer).lines
    assert (line.facility_kwh, line.cut_kwh) == (Decimal(10), Decimal(0))


def test_a_meter_of_half_the_month_does_not_speak_for_the_month(buyer):
    pool = ran(buyer)
    metered(pool, "it_kwh", 10, hours=300)
    (line,) = told(buyer).lines
    assert line.basis == "platform_meter"


def test_a_statement_holds_its_queries(buyer, django_assert_max_num_queries):
    for _ in range(3):
        rated(ran(buyer))
    with django_assert_max_num_queries(11):
        told(buyer)


def test_over_http_an_enterprise_reads_its_own_and_an_auditor_any(client, buyer):
    ran(buyer)
    UsageRecord.objects.get()
    mine = organization_of(buyer.actor)
    headers = {"authorization": make_key(make_membership(mine, Role.ENTERPRISE_APPLICANT))}
    answer = client.get("/api/v1/carbon-statements?month=2026-03", headers=headers)
    assert answer.status_code == 200, answer.content
    assert answer.json()["lines"][0]["it_kwh"] == "1.800000"
    rows = client.get("/api/v1/carbon-statements?month=2026-03&as=csv", headers=headers)
    assert b"platform_meter" in b"".join(rows.streaming_content)
    wrong = client.get("/api/v1/carbon-statements?month=March", headers=headers)
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "month")
    other = make_membership(make_organization("provider"), Role.PROVIDER_ADMIN)
    theirs = client.get(
        f"/api/v1/carbon-statements?month=2026-03&enterprise={mine.pk}",
        headers={"authorization": make_key(other)},
    )
    assert theirs.status_code == 403
    auditor = make_membership(make_organization("government"), Role.AUDITOR)
    seen = client.get(
        f"/api/v1/carbon-statements?month=2026-03&enterprise={mine.pk}",
        headers={"authorization": make_key(auditor)},
    )
    assert len(seen.json()["lines"]) == 1
