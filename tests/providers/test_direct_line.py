"""Direct connection: judged from a wholly metered year, or not at all."""

import pytest

from providers.direct_line import direct_connection_year
from tests.providers.supply import ingest, make_facility, make_meter, reading

pytestmark = pytest.mark.django_db
KWH = {"facility_total_kwh": 100, "direct_line_kwh": 60, "export_kwh": 10, "curtailed_kwh": 5}


def metered(hours=8760, **changed):
    facility = make_facility()
    for kind, kwh in (KWH | changed).items():
        meter = make_meter(facility, kind)
        ingest(facility, [reading(meter, hour, kwh) for hour in range(hours)])
    return direct_connection_year(facility, year=2025)


def test_a_wholly_metered_year_is_judged_by_its_shares():
    told = metered()
    assert told.missing == ()
    assert told.decision.allowed
    assert {reason.code for reason in told.decision.reasons} == {
        "self_use_of_generation",
        "self_use_of_consumption",
        "export_of_generation",
    }


def test_too_much_export_is_not_allowed():
    told = metered(export_kwh=40)
    assert not told.decision.allowed
    assert [r.code for r in told.decision.reasons if not r.satisfied] == [
        "self_use_of_generation",
        "export_of_generation",
    ]


def test_a_year_with_a_missing_hour_is_not_judged():
    told = metered(hours=48)
    assert told.decision is None
    assert set(told.missing) == set(KWH)
