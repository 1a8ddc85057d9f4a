"""The proofs find what the guards would have refused."""

import pytest
from django.db import connection

from audit.decisions import SYSTEM
from audit.proofs import prove
from providers.actions.draft_rating import draft_rating
from providers.proofs import PROOFS
from tests.factories import NOW
from tests.providers.supply import (
    FIRST_DAY,
    ingest,
    make_facility,
    make_meter,
    make_offer,
    reading,
)
from tests.providers.test_certificates import allocate, register

pytestmark = pytest.mark.django_db


def violations():
    return {each.name: each.violations for each in prove("providers", PROOFS) if each.violations}


@pytest.fixture
def evidence():
    make_offer()
    facility = make_facility()
    meter = make_meter(facility, "facility_total_kwh")
    ingest(facility, [reading(meter, hour, 100) for hour in range(48)])
    register(facility, "A", "B")
    allocate(facility, "A")
    return draft_rating(facility=facility, first_day=FIRST_DAY, actor=SYSTEM, at=NOW)


def test_everything_holds_on_rows_the_actions_wrote(evidence):
    assert violations() == {}


@pytest.mark.parametrize(
    ("name", "tampering"),
    [
        ("certificates", "UPDATE providers_greencertificate SET state = 'retired'"),
        ("ratings", "UPDATE providers_ratingbundle SET output = replace(output, '0', '1')"),
        ("ratings", "UPDATE providers_greenrating SET input_digest = repeat('0', 64)"),
        ("ratings", "UPDATE providers_greenrating SET green_tier = 4, score = 90"),
    ],
)
def test_a_row_changed_behind_the_guards_is_found(evidence, name, tampering):
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(tampering)
        cursor.execute("SET LOCAL session_replication_role = origin")
    assert name in violations()
