"""A rating says what was proven, keeps the unknown unknown, and takes the lower of two bands."""

from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest

from providers.facts import load_grid_factors
from providers.green import (
    Certificate,
    Claims,
    GreenInputError,
    MeterKind,
    OfficialStatus,
    Period,
    Reading,
    Settlement,
    rate,
    rating_factors,
)

from .evidence import FACILITY, FACTORS, HOUR, SHANGHAI, YEAR, a_year, hourly, rating, retired

ALL_YEAR_KWH = Decimal("10380600")  # 1185 kWh x 8760 h


def test_the_worked_example_of_the_guide():
    result = rating(claims=Claims((retired(8927000),)))
    assert result.value("pue") == Decimal("1.185")
    assert result.value("renewable") == (Decimal(8927000) / ALL_YEAR_KWH).quantize(Decimal("1e-6"))
    points = {item.id: item.points for item in result.items}
    assert points == {
        "pue": Decimal("20.12"),
        "renewable": Decimal("30.00"),
        "rack_utilization": Decimal("5.00"),
        "it_load": Decimal("4.88"),
        "demand_response": Decimal("2.50"),
        "wue": None,
        "hourly_cfe": None,
    }
    assert (result.score, result.score_possible) == (Decimal("62.50"), Decimal("72.50"))
    assert (result.score_tier, result.pue_tier, result.green_tier) == (3, 4, 3)
    assert result.unrated_items == ("wue", "hourly_cfe")
    assert result.completeness == Decimal("0.9")


def test_a_facility_without_evidence_is_unrated_and_never_zero():
    result = rating([])
    assert result.green_tier is None
    assert result.score is None
    assert result.pue_tier is None
    assert result.expires_at is None
    assert result.value("pue") is None
    assert "Unrated is not zero" in result.reasons[0][0]
    assert "未评级" in result.reasons[0][1]
    assert result.raises[0].item == "pue"


def test_missing_hours_are_named_and_too_many_of_them_leave_it_unrated():
    missing = set(range(100, 112))
    result = rating(a_year(hours=[h for h in range(8760) if h not in missing]))
    assert result.paired_hours == 8748
    assert [(g.starts_at, g.ends_at) for g in result.gaps] == [
        (YEAR.starts_at + 100 * HOUR, YEAR.starts_at + 112 * HOUR)
    ]
    assert result.is_rated
    assert not rating(a_year(hours=range(8300))).is_rated


def test_a_gap_in_one_meter_names_that_meter():
    readings = [
        r for r in a_year() if not (r.kind == MeterKind.IT and r.starts_at == YEAR.starts_at)
    ]
    assert [gap.kinds for gap in rating(readings).gaps] == [("it_kwh",)]


@pytest.mark.parametrize(
    ("broken", "code"),
    [
        (Reading(MeterKind.IT, YEAR.starts_at, YEAR.starts_at + HOUR, Decimal(-1)), "negative"),
        (
            Reading(MeterKind.IT, YEAR.starts_at - HOUR, YEAR.starts_at, Decimal(1)),
            "outside_period",
        ),
        (
            Reading(MeterKind.IT, YEAR.starts_at, YEAR.starts_at + 2 * HOUR, Decimal(1)),
            "too_coarse",
        ),
    ],
)
def test_a_value_that_cannot_be_is_quarantined_with_its_reason(broken, code):
    readings = [
        r for r in a_year() if not (r.kind == MeterKind.IT and r.starts_at == YEAR.starts_at)
    ]
    result = rating([*readings, broken])
    assert [entry.code for entry in result.quarantined] == [code]
    assert result.paired_hours == 8759


def test_the_same_interval_twice_counts_once():
    result = rating([*a_year(), a_year()[17]])
    assert [entry.code for entry in result.quarantined] == ["overlap"]
    assert result.value("pue") == Decimal("1.185")


def test_an_hour_with_it_above_total_is_quarantined_and_cannot_lower_pue():
    readings = a_year()[:8760] + hourly(MeterKind.IT, lambda hour: "5000" if hour == 3 else "1000")
    result = rating(readings)
    assert {entry.code for entry in result.quarantined} == {"it_above_total"}
    assert result.paired_hours == 8759
    assert result.value("pue") == Decimal("1.185")


def test_more_clean_energy_than_the_facility_drew_is_quarantined():
    readings = a_year() + hourly(MeterKind.DIRECT_LINE, lambda hour: "9999" if hour == 5 else "300")
    result = rating(readings)
    assert [(q.kind, q.code) for q in result.quarantined] == [
        ("direct_line_kwh", "clean_above_total")
    ]


def test_quarter_hours_add_up_to_the_hour_and_give_the_same_rating():
    quarter = timedelta(minutes=15)
    split = [
        Reading(r.kind, r.starts_at + i * quarter, r.starts_at + (i + 1) * quarter, r.quantity / 4)
        for r in a_year()[:200]
        for i in range(4)
    ]
    assert rating(split + a_year()[200:]).output_sha256 == rating().output_sha256


@pytest.mark.parametrize(
    ("certificate", "code"),
    [
        (Certificate("c", Decimal(1000), date(2025, 6, 1), "held"), "not_retired"),
        (Certificate("c", Decimal(1000), date(2023, 12, 1), "retired"), "vintage_outside"),
        (Certificate("c", Decimal(1000), date(2026, 1, 1), "retired"), "vintage_outside"),
        (Certificate("c", Decimal(1500), date(2025, 6, 1), "retired"), "not_whole_certificates"),
        (Certificate("c", Decimal(1000), date(2025, 6, 1), "retired", "onsite"), "not_metered"),
    ],
)
def test_a_certificate_that_does_not_count_says_why(certificate, code):
    result = rating(claims=Claims((certificate,)))
    assert result.renewable.not_counted == (("c", code),)
    assert result.value("renewable") is None


def test_a_certificate_claimed_twice_counts_once():
    once = rating(claims=Claims((retired(1000000),)))
    twice = rating(claims=Claims((retired(1000000), retired(1000000))))
    assert once.value("renewable") == twice.value("renewable")
    assert twice.renewable.not_counted == (("lot-1", "duplicate"),)


def test_a_settlement_is_never_counted_beside_its_certificate():
    settled = Settlement("s", Decimal(1000000), "lot-1")
    result = rating(claims=Claims((retired(1000000),), (settled,)))
    assert result.renewable.total_kwh == 1000000
    assert ("s", "same_claim_as_certificate") in result.renewable.not_counted
    alone = rating(claims=Claims((), (settled,)))
    assert alone.value("renewable") is None
    assert ("s", "needs_retired_certificate") in alone.renewable.not_counted


def test_own_generation_counts_only_as_far_as_it_is_metered_and_retired():
    readings = a_year() + hourly(MeterKind.ONSITE_GENERATION, "100")
    result = rating(readings, claims=Claims((retired(2000000, backs="onsite"),)))
    assert result.renewable.onsite_kwh == 876000
    assert ("onsite", "beyond_metered") in result.renewable.not_counted


def test_a_renewable_share_never_exceeds_one():
    result = rating(claims=Claims((retired(20000000),)))
    assert result.value("renewable") == 1
    assert ("total", "beyond_need") in result.renewable.not_counted


def test_hourly_carbon_free_energy_ignores_certificates_and_night_surplus():
    readings = a_year("1.2", "1000") + hourly(
        MeterKind.DIRECT_LINE, lambda hour: "600" if hour % 2 else "0"
    )
    result = rating(readings, claims=Claims((retired(5000000),)))
    assert result.value("hourly_cfe") == Decimal("0.25")


def test_water_above_the_only_documented_end_is_unrated_and_not_zero():
    month = timedelta(days=365)

    def with_water(cubic_meters):
        water = Reading(
            MeterKind.WATER, YEAR.starts_at, YEAR.starts_at + month, Decimal(cubic_meters)
        )
        return next(i for i in rating([*a_year(), water]).items if i.id == "wue")

    assert with_water(3504).share == 1  # 0.4 L/kWh
    thirsty = with_water(9000)
    assert thirsty.share is None
    assert thirsty.unrated_code == "no_documented_lower_end"


def test_without_a_published_quota_the_renewable_item_is_unrated():
    import dataclasses

    unknown = dataclasses.replace(FACTORS, renewable_quota_share=None)
    result = rating(claims=Claims((retired(8927000),)), factors=unknown)
    item = next(i for i in result.items if i.id == "renewable")
    assert (item.share, item.unrated_code) == (None, "quota_unknown")


@pytest.mark.parametrize(
    ("pue", "tier"), [("1.20", 4), ("1.201", 3), ("1.30", 3), ("1.301", 2), ("1.5", 2), ("1.6", 1)]
)
def test_the_pue_band_follows_the_grades_of_gb_40879(pue, tier):
    assert rating(a_year(pue)).pue_tier == tier


def test_many_certificates_cannot_lift_a_facility_above_its_pue_band():
    result = rating(a_year("1.45"), claims=Claims((retired(9000000),)), racks_in_use=640)
    assert result.score_tier is not None
    assert result.pue_tier == 2
    assert result.green_tier == min(result.score_tier, 2)


def test_it_expires_a_year_after_the_period_or_when_held_evidence_ends():
    assert rating().expires_at == datetime(2027, 1, 1, tzinfo=SHANGHAI)
    held = Certificate("h", Decimal(1000), date(2025, 6, 1), "held", lapses_on=date(2026, 7, 1))
    assert rating(claims=Claims((held,))).expires_at == datetime(2026, 7, 1, tzinfo=SHANGHAI)
    status = OfficialStatus(
        "green_low_carbon_level", "4A", "No. 1", "ODCC", valid_until=date(2026, 3, 1)
    )
    result = rating(claims=Claims(official_statuses=(status,)))
    assert result.expires_at == datetime(2026, 3, 1, tzinfo=SHANGHAI)
    assert result.holds_at(datetime(2026, 2, 28, 23, 59, tzinfo=SHANGHAI))
    assert not result.holds_at(datetime(2026, 3, 1, tzinfo=SHANGHAI))


def test_official_statuses_are_copied_and_change_no_figure():
    status = OfficialStatus("gb_t_44989_2024", "1", "No. 2", "someone")
    with_status = rating(claims=Claims(official_statuses=(status,)))
    assert with_status.official_statuses == (status,)
    assert (with_status.score, with_status.green_tier) == (rating().score, rating().green_tier)


def test_a_period_that_is_not_twelve_civil_months_is_refused():
    short = Period(YEAR.starts_at, datetime(2025, 12, 1, tzinfo=SHANGHAI))
    with pytest.raises(GreenInputError, match="12 civil months"):
        rate(rating().inputs[0], FACILITY, short, [], Claims(), FACTORS)
    with pytest.raises(GreenInputError):
        Period(datetime(2025, 1, 1), datetime(2026, 1, 1))


def test_factors_are_those_that_were_public_on_the_day_of_computation():
    grid = load_grid_factors()
    late = rating_factors(grid, facility=FACILITY, period=YEAR, on=date(2026, 6, 1))
    early = rating_factors(grid, facility=FACILITY, period=YEAR, on=date(2025, 6, 1))
    assert (late.grid_data_year, late.grid_kg_per_kwh) == (2023, Decimal("0.6479"))
    assert early.grid_data_year == 2022
    assert late.renewable_quota_share == Decimal("0.23")


def test_every_reason_and_every_advice_is_in_both_languages():
    result = rating(claims=Claims((retired(1500),)))
    for en, zh in result.reasons:
        assert en.isascii()
        assert any("\u4e00" <= letter <= "\u9fff" for letter in zh)
    assert sum(r.points for r in result.raises) == 100 - result.score
    assert [r.points for r in result.raises] == sorted(
        (r.points for r in result.raises), reverse=True
    )
