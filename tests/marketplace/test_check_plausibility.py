"""A month of sales against the meters: cases, never punishment."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from audit.decisions import SYSTEM, Invalid, NotFound, NotPermitted, StaleState
from identity.roles import Role
from marketplace.actions.check_plausibility import check_plausibility
from providers.actions.add_meter import add_meter
from providers.actions.add_pool import add_pool
from providers.actions.answer_case import answer_case
from providers.actions.decide_case import decide_case
from providers.actions.ingest_readings import IncomingReading, ingest_readings
from providers.models import PlausibilityCase
from scheduling.actions.list_pool import list_pool
from tests.factories import NOW, make_actor, make_organization
from tests.marketplace.orders import complete, make_buyer, place
from tests.scheduling.builders import START, make_platform, make_pool

pytestmark = pytest.mark.django_db
MONTH = date(2026, 3, 1)
LATER = NOW + timedelta(days=40)


def metered(pool, kind, quantity):
    meter = add_meter(
        facility=pool.facility, pool=pool, kind=kind, code=f"{kind}-{pool.pk}", actor=SYSTEM, at=NOW
    )
    row = IncomingReading(
        meter.pk, f"{kind}@0", START, START + timedelta(hours=1), Decimal(quantity)
    )
    ingest_readings(facility=pool.facility, source="t", readings=[row], actor=SYSTEM, at=LATER)


def sold(pool, hours="2"):
    order = place(make_buyer(), pool=pool)
    complete(order, hours=hours)
    return pool


def check():
    return check_plausibility(month=MONTH, actor=SYSTEM, at=LATER)


def test_hours_above_energy_become_a_case_with_its_numbers_once():
    pool = sold(make_pool(), hours="3")
    metered(pool, "it_kwh", "0.1")
    (case,) = check()
    assert case.check_name == "hours_above_energy"
    assert case.numbers["it_kwh"] == "0.1"
    assert check() == []


def test_an_unmetered_pool_is_not_suspicious():
    sold(make_pool())
    assert check() == []


def test_jobs_above_the_facilitys_meter_become_one_case_a_month():
    pool = make_pool(units=64)
    for _ in range(2):
        sold(pool)  # 1.8 kWh in an hour of its own
    meter = add_meter(
        facility=pool.facility, kind="facility_total_kwh", code="T", actor=SYSTEM, at=NOW
    )
    rows = [
        IncomingReading(meter.pk, f"T@{hour}", at, at + timedelta(hours=1), Decimal(1))
        for hour in range(400)
        for at in [START + timedelta(hours=hour)]
    ]
    ingest_readings(facility=pool.facility, source="t", readings=rows, actor=SYSTEM, at=LATER)
    (case,) = check()
    assert (case.check_name, case.pool) == ("jobs_above_facility", pool)
    assert (case.numbers["hours"], case.numbers["jobs_kwh"]) == ("2", "3.6")
    assert case.numbers["facility_kwh"] == "2"
    assert check() == []


def test_sold_hours_that_did_no_work_become_a_case():
    pool = sold(make_pool())
    metered(pool, "accelerator_hours", "0.1")
    assert [case.check_name for case in check()] == ["useful_below_sold"]


def test_like_pools_of_one_hall_on_two_platforms_become_a_case():
    pool = make_pool()
    twin = add_pool(
        facility=pool.facility,
        code="twin",
        accelerator=pool.accelerator,
        units=pool.units,
        kw_per_unit=pool.kw_per_unit,
        actor=SYSTEM,
        at=NOW,
    )
    for each in (pool, twin):
        if not each.listings.exists():
            list_pool(platform=make_platform(), pool=each, actor=SYSTEM, at=NOW)
    (case,) = check()
    assert case.check_name == "listed_twice"
    assert {case.numbers["slice_id"], case.numbers["other_slice_id"]} == {
        pool.slice_id,
        twin.slice_id,
    }


@pytest.fixture
def case():
    metered(sold(make_pool(), hours="3"), "it_kwh", "0.1")
    return check()[0]


def analyst():
    return make_actor(make_organization("government"), Role.FRAUD_ANALYST)


def test_the_provider_answers_and_an_analyst_decides(case):
    admin = make_actor(case.provider, Role.PROVIDER_ADMIN)
    answer_case(case=case, answer="the meter was replaced", actor=admin, at=LATER)
    decide_case(case=case, confirmed=False, reason="meter protocol seen", actor=analyst(), at=LATER)
    assert case.state == "dismissed"
    with pytest.raises(StaleState):
        decide_case(case=case, confirmed=True, reason="again", actor=analyst(), at=LATER)


def test_nobody_else_answers_or_decides(case):
    other = make_actor(make_organization("provider"), Role.PROVIDER_ADMIN)
    with pytest.raises(NotFound):
        answer_case(case=case, answer="x", actor=other, at=LATER)
    auditor = make_actor(make_organization("government"), Role.AUDITOR)
    with pytest.raises(NotPermitted):
        decide_case(case=case, confirmed=True, reason="x", actor=auditor, at=LATER)
    with pytest.raises(Invalid):
        decide_case(case=case, confirmed=True, reason=" ", actor=analyst(), at=LATER)


def test_the_database_asks_for_a_person_and_a_reason(case):
    refused = pytest.raises(IntegrityError, match="decided_by_a_person_with_a_reason")
    with refused, transaction.atomic():
        PlausibilityCase.objects.filter(pk=case.pk).update(state="confirmed")
