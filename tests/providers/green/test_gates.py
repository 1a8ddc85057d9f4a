"""Gates: every condition with its reason; unrated meets no index condition."""

from datetime import date, datetime
from decimal import Decimal

import pytest

from providers.green import Claims, Gate, OfficialRequirement, OfficialStatus, meets

from .evidence import SHANGHAI, rating, retired

AT = datetime(2026, 5, 1, 12, tzinfo=SHANGHAI)
RATED = rating(
    claims=Claims(
        (retired(8927000),),
        (),
        (OfficialStatus("green_low_carbon_level", "4A", "No. 4", "ODCC", date(2024, 1, 1)),),
    )
)
UNRATED = rating([])


@pytest.mark.parametrize(
    ("gate", "allowed"),
    [
        (Gate("v1", min_tier=3), True),
        (Gate("v1", min_tier=4), False),
        (Gate("v1", max_pue=Decimal("1.2")), True),
        (Gate("v1", max_pue=Decimal("1.15")), False),
        (Gate("v1", min_renewable_share=Decimal("0.80")), True),
        (Gate("v1", min_renewable_share=Decimal("0.90")), False),
        (Gate("v1", min_hourly_cfe=Decimal("0.01")), False),
        (Gate("v1", official=(OfficialRequirement("green_low_carbon_level", "4A"),)), True),
        (Gate("v1", official=(OfficialRequirement("green_low_carbon_level", "5A"),)), False),
        (Gate("v1", official=(OfficialRequirement("gb_t_44989_2024"),)), False),
        (Gate("v1"), True),
    ],
)
def test_a_gate_is_met_or_not_with_reasons(gate, allowed):
    decision = meets(RATED, gate, at=AT)
    assert decision.allowed is allowed
    assert decision.terms_version == "v1"
    for reason in decision.reasons:
        assert reason.text_en
        assert reason.text_zh


@pytest.mark.parametrize("facility_rating", [UNRATED, None])
@pytest.mark.parametrize(
    "gate",
    [
        Gate("v1", min_tier=1),
        Gate("v1", max_pue=Decimal(9)),
        Gate("v1", min_renewable_share=Decimal(0)),
        Gate("v1", min_hourly_cfe=Decimal(0)),
    ],
)
def test_unrated_meets_no_index_gate_however_low(facility_rating, gate):
    decision = meets(facility_rating, gate, at=AT)
    assert not decision.allowed
    assert [reason.code for reason in decision.reasons] == ["facility_unrated"]


def test_an_unrated_item_meets_no_bound_even_of_zero():
    decision = meets(RATED, Gate("v1", min_hourly_cfe=Decimal(0)), at=AT)
    assert not decision.allowed
    assert "unrated" in decision.reasons[0].text_en


def test_an_expired_rating_meets_nothing():
    late = datetime(2027, 1, 1, tzinfo=SHANGHAI)
    decision = meets(RATED, Gate("v1", min_tier=1), at=late)
    assert [reason.code for reason in decision.reasons] == ["rating_expired"]
    assert not decision.allowed


def test_grade_one_is_better_than_grade_two():
    def held(level):
        status = OfficialStatus("gb_t_44989_2024", level, "No. 5", "someone")
        return rating(claims=Claims(official_statuses=(status,)))

    gate = Gate("v1", official=(OfficialRequirement("gb_t_44989_2024", "2"),))
    assert meets(held("1"), gate, at=AT).allowed
    assert meets(held("2"), gate, at=AT).allowed
    assert not meets(held("3"), gate, at=AT).allowed


def test_a_certificate_that_has_ended_does_not_count():
    status = OfficialStatus(
        "gb_40879_2021", "1", "No. 6", "someone", date(2024, 1, 1), date(2026, 5, 1)
    )
    facility = rating(claims=Claims(official_statuses=(status,)))
    gate = Gate("v1", official=(OfficialRequirement("gb_40879_2021", "2"),))
    assert not meets(facility, gate, at=AT).allowed
    assert meets(facility, gate, at=datetime(2026, 4, 30, 23, tzinfo=SHANGHAI)).allowed
