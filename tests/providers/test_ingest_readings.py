"""Readings: taken once for ever, never overlapping, impossible values set aside."""

import time
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from audit.decisions import Invalid, NotFound, NotPermitted
from audit.models import AuditEvent
from providers import intake
from providers.green import Period, lateness
from providers.models import MeterReading
from providers.queries import metered_months
from providers.rating_inputs import readings_of
from tests.factories import NOW, make_actor
from tests.providers.supply import (
    SHANGHAI,
    YEAR_ENDS,
    YEAR_STARTS,
    ingest,
    make_facility,
    make_meter,
    meter_a_year,
    provider_admin,
    reading,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def facility():
    return make_facility()


@pytest.fixture
def total(facility):
    return make_meter(facility, "facility_total_kwh")


@pytest.fixture
def it(facility):
    return make_meter(facility, "it_kwh")


def states():
    return list(MeterReading.objects.order_by("pk").values_list("state", "reason"))


def test_a_repeated_event_changes_nothing_for_ever(facility, total):
    first = ingest(facility, [reading(total, 0, 100)])
    again = ingest(facility, [reading(total, 0, 100)], at=NOW + timedelta(days=4000))
    assert (first.accepted, again.accepted, again.duplicate) == (1, 0, 1)
    assert MeterReading.objects.count() == 1
    assert AuditEvent.objects.filter(kind="readings.ingested").count() == 1


def test_the_same_event_with_another_value_is_told_and_the_first_stands(facility, total):
    ingest(facility, [reading(total, 0, 100)])
    result = ingest(facility, [reading(total, 0, 101)])
    assert result.conflicting == 1
    assert result.not_accepted[0].fate == "conflicting"
    assert MeterReading.objects.get().quantity == 100


def test_an_event_twice_in_one_batch_counts_once(facility, total):
    result = ingest(facility, [reading(total, 0, 100), reading(total, 0, 100)])
    assert (result.accepted, result.duplicate) == (1, 1)


def test_another_provider_cannot_use_up_our_event_numbers(facility, total):
    other = make_facility()
    ingest(other, [reading(make_meter(other, "it_kwh"), 0, 1, event="e")])
    assert ingest(facility, [reading(total, 0, 1, event="e")]).accepted == 1


def test_an_overlap_is_quarantined_and_the_first_stands(facility, total):
    ingest(facility, [reading(total, 0, 100)])
    result = ingest(facility, [reading(total, 0, 100, event="other"), reading(total, 1, 5)])
    assert (result.accepted, result.quarantined) == (1, 1)
    assert result.not_accepted[0].reason == "overlap"
    assert ("quarantined", "overlap") in states()


def test_overlapping_accepted_intervals_are_refused_by_the_database(facility, total):
    ingest(facility, [reading(total, 0, 100)])
    half = timedelta(minutes=30)
    refused = pytest.raises(IntegrityError, match="intervals_of_a_meter_do_not_overlap")
    with refused, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO providers_meterreading (meter_id, source_id, event_id, starts_at, period,"
            " quantity, state, recorded_at)"
            " SELECT %s, min(id), 'x', %s, tstzrange(%s, %s), 1, 'accepted', %s"
            " FROM providers_metersource",
            [total.pk, YEAR_STARTS + half, YEAR_STARTS + half, YEAR_STARTS + 3 * half, NOW],
        )


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE providers_meterreading SET quantity = 1",
        "DELETE FROM providers_meterreading",
        "SET CONSTRAINTS ALL IMMEDIATE; TRUNCATE providers_meterreading",
    ],
)
def test_readings_are_never_edited(facility, total, statement):
    ingest(facility, [reading(total, 0, 100)])
    with (
        pytest.raises(DatabaseError, match=r"Cannot (update|delete)|never emptied"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)


def test_it_above_total_in_one_batch_sets_both_aside(facility, total, it):
    rows = [reading(total, 0, 100), reading(it, 0, 101), reading(total, 1, 100)]
    result = ingest(facility, [*rows, reading(it, 1, 100)])
    assert (result.accepted, result.quarantined) == (2, 2)
    assert {row.reason for row in result.not_accepted} == {"it_above_total"}


@pytest.mark.parametrize(("first", "late"), [("it", "total"), ("total", "it")])
def test_a_late_value_that_makes_pue_less_than_one_is_set_aside(facility, total, it, first, late):
    rows = {"it": reading(it, 0, 101), "total": reading(total, 0, 100)}
    ingest(facility, [rows[first]])
    result = ingest(facility, [rows[late]])
    assert [(row.fate, row.reason) for row in result.not_accepted] == [
        ("quarantined", "it_above_total")
    ]


def test_impossible_values_are_kept_with_their_reason(facility, total):
    result = ingest(
        facility,
        [
            reading(total, 0, -1),
            reading(total, 5, 10, hours=2),
            reading(total, 24 * 365 * 3, 10),
        ],
    )
    assert [row.reason for row in result.not_accepted] == [
        "negative",
        "too_coarse",
        "in_the_future",
    ]
    assert MeterReading.objects.filter(state="quarantined").count() == 3


def test_water_may_be_metered_by_the_month(facility):
    water = make_meter(facility, "water_m3")
    assert ingest(facility, [reading(water, 0, 500, hours=24 * 31)]).accepted == 1


def test_a_malformed_row_refuses_the_whole_batch(facility, total):
    other = make_meter(make_facility(), "it_kwh")
    with pytest.raises(Invalid) as refusal:
        ingest(facility, [reading(total, 0, 1), reading(other, 0, 1)])
    assert refusal.value.field == "readings[1].meter"
    assert not MeterReading.objects.exists()


def test_only_the_provider_sends_readings(facility, total):
    with pytest.raises(NotFound):
        ingest(facility, [reading(total, 0, 1)], actor=provider_admin(make_facility()))
    with pytest.raises(NotPermitted):
        ingest(facility, [reading(total, 0, 1)], actor=make_actor(facility.provider))


def test_a_year_of_hourly_readings_is_taken_in_seconds(facility):
    began = time.perf_counter()
    result = meter_a_year(facility)
    assert result.accepted == 2 * 8760
    assert time.perf_counter() - began < 20  # about 2 s alone; the machine of the tests is shared


def test_a_correction_is_a_new_row_and_the_newest_counts(facility, total):
    ingest(facility, [reading(total, 0, 100)])
    row = reading(total, 0, 90, event="fix-1")
    result = ingest(facility, [replace(row, corrects=f"{total.code}@0")])
    assert (result.accepted, result.quarantined) == (1, 0)
    rows = MeterReading.objects.order_by("revision").values_list("revision", "quantity")
    assert list(rows) == [(0, 100), (1, 90)]
    period = Period(YEAR_STARTS, YEAR_ENDS)
    assert [each.quantity for each in readings_of(facility, period)] == [90]


def test_a_correction_of_nothing_is_set_aside(facility, total):
    ingest(facility, [reading(total, 0, 100)])
    rows = [
        replace(reading(total, 0, 90, event="a"), corrects="no such event"),
        replace(reading(total, 1, 90, event="b"), corrects=f"{total.code}@0"),
    ]
    assert {row.reason for row in ingest(facility, rows).not_accepted} == {"corrects_nothing"}


def test_a_reading_that_crosses_a_month_is_set_aside(facility):
    water = make_meter(facility, "water_m3")
    result = ingest(facility, [reading(water, 24 * 20, 500, hours=24 * 31)])
    assert [row.reason for row in result.not_accepted] == ["crosses_a_month"]


def test_an_event_is_known_in_every_month(facility, total):
    ingest(facility, [reading(total, 0, 100, event="e")])
    result = ingest(facility, [reading(total, 24 * 90, 100, event="e")])
    assert (result.accepted, result.conflicting) == (0, 1)


def test_a_reading_of_another_century_is_refused_with_its_batch(facility, total):
    with pytest.raises(Invalid, match="our time"):
        ingest(facility, [reading(total, 24 * 365 * 40, 1)])


def test_every_month_has_its_own_part_with_the_constraint(facility, total):
    ingest(facility, [reading(total, 0, 100), reading(total, 24 * 40, 100)])
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tableoid::regclass::text FROM providers_meterreading ORDER BY starts_at"
        )
        parts = [name for (name,) in cursor.fetchall()]
        assert parts == ["providers_meterreading_2025_01", "providers_meterreading_2025_02"]
        cursor.execute(
            "SELECT count(*) FROM pg_constraint"
            " WHERE contype = 'x' AND conrelid = ANY(%s::regclass[])",
            [parts],
        )
        assert cursor.fetchone() == (2,)


@pytest.mark.parametrize(
    ("ended", "came", "late"),
    [
        ((2026, 1, 10, 1), (2026, 1, 11, 1), "on_time"),
        ((2026, 1, 10, 1), (2026, 1, 13, 1), "grace"),
        ((2026, 1, 10, 1), (2026, 2, 9, 23), "late_open_period"),
        ((2026, 1, 10, 1), (2026, 2, 10, 0), "late_closed_period"),
        ((2026, 2, 1, 0), (2026, 3, 9, 23), "late_closed_period"),
        ((2022, 1, 10, 1), (2026, 2, 10, 0), "too_late"),
    ],
)
def test_lateness_follows_the_civil_month(ended, came, late):
    assert lateness(*(datetime(*each, tzinfo=SHANGHAI) for each in (ended, came))) == late


def test_a_month_is_summed_as_last_corrected(facility, total):
    ingest(facility, [reading(total, 0, 100), reading(total, 1, 100), reading(total, 24 * 40, 7)])
    ingest(facility, [replace(reading(total, 0, 90, event="x"), corrects=f"{total.code}@0")])
    months = metered_months(facility, starts_at=YEAR_STARTS, ends_at=YEAR_ENDS)
    assert [(each.month.month, each.quantity, each.hours) for each in months] == [
        (1, 190, 2),
        (2, 7, 1),
    ]


def test_a_batch_without_corrections_is_rolled_up_from_itself_alone():
    # Joined to the readings it was read against all of them: a batch of one hour took as long as
    # there were years behind it.
    assert "providers_meterreading" not in intake.ROLL_UP
    assert "OFFSET 0" in intake.ROLL_UP_CORRECTIONS
