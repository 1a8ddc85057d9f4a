"""The sample market: 21 areas, marked as sample, evidence only where a figure is printed."""

import json
from datetime import date
from decimal import Decimal

import pytest
from stdnum.cn import uscc

from marketplace.sample import (
    as_plain,
    build_market,
    certificate_lots,
    meter_readings,
    rating_claims,
    rating_facility,
)
from marketplace.sample.market import sample_uscc
from marketplace.sample.prices import BASE_FEN_PER_CARD_HOUR, HUB_PERCENT
from providers.facts import load_accelerators, load_green_method, load_grid_factors, load_hubs
from providers.green import MeterKind, Period, rate, rating_factors
from providers.green.exact import start_of_day

YEAR = Period(start_of_day(date(2025, 11, 1)), start_of_day(date(2026, 11, 1)))
MARKET = build_market()
RATED = [facility for facility in MARKET.facilities if facility.has_evidence]


def rated(facility):
    entry = rating_facility(facility)
    factors = rating_factors(
        load_grid_factors(), facility=entry, period=YEAR, on=date(2026, 11, 20)
    )
    claims = rating_claims(facility, YEAR)
    readings = meter_readings(facility, YEAR)
    return rate(load_green_method(), entry, YEAR, readings, claims, factors)


def test_every_area_has_a_facility_with_pools_and_offers():
    assert {f.area_seq for f in MARKET.facilities} == set(range(1, 22))
    for facility in MARKET.facilities:
        area = load_hubs().areas[facility.area_seq - 1]
        assert (facility.adcode, facility.hub, facility.area) == (area.adcode, area.hub, area.area)
        assert 2 <= len(MARKET.pools_of(facility.key)) <= 4
    assert len({pool.key for pool in MARKET.pools}) == len(MARKET.pools)
    assert {offer.pool_key for offer in MARKET.offers} == {pool.key for pool in MARKET.pools}
    assert set(HUB_PERCENT) == {provider.name_zh[3:-5] for provider in MARKET.providers}


def test_everything_is_marked_as_sample():
    for records in (MARKET.providers, MARKET.facilities, MARKET.pools, MARKET.offers):
        assert all(record.sample for record in records)
    for record in (*MARKET.providers, *MARKET.facilities):
        assert record.name_zh.startswith("示例·")
        assert record.name_en.startswith("Sample ")
    assert all(offer.price_basis == "sample" for offer in MARKET.offers)


def test_no_sample_facility_bears_the_name_of_a_real_one():
    real = {name for area in load_hubs().areas for name in area.facilities}
    for facility in MARKET.facilities:
        assert not any(name in facility.name_zh for name in real)


def test_the_same_seed_gives_the_same_market_and_another_seed_another():
    assert as_plain(build_market()) == as_plain(MARKET)
    assert as_plain(build_market(seed=1)) != as_plain(MARKET)
    assert json.loads(json.dumps(as_plain(MARKET)))["sample"] is True


def test_sample_providers_have_formally_right_and_distinct_codes():
    codes = [provider.uscc for provider in MARKET.providers]
    assert len(set(codes)) == len(codes) == 8
    for code in codes:
        assert uscc.validate(code) == code
    for number in range(1, 400):
        assert uscc.is_valid(sample_uscc("150000", number))


def test_pools_hold_only_cards_whose_power_is_sourced():
    catalogue = load_accelerators()
    for pool in MARKET.pools:
        card = catalogue.get(pool.accelerator_id)
        assert card.tdp_w is not None
        assert pool.kw_per_card == card.tdp_w / 1000
        assert pool.cards > 0
    for accelerator_id in BASE_FEN_PER_CARD_HOUR:
        assert catalogue.get(accelerator_id).tdp_w is not None


def test_the_pools_of_a_metered_facility_fit_its_racks():
    for facility in RATED:
        kw = sum(pool.cards * pool.kw_per_card for pool in MARKET.pools_of(facility.key))
        assert kw <= facility.racks_in_use * facility.nominal_rack_kw


def test_facilities_without_a_printed_pue_have_no_evidence_and_are_unrated():
    printed = {area.seq for area in load_hubs().areas if area.metrics.pue is not None}
    assert printed == {18}
    assert {facility.area_seq for facility in RATED} == printed
    for facility in MARKET.facilities:
        if not facility.has_evidence:
            assert meter_readings(facility, YEAR) == []
            assert certificate_lots(facility, YEAR) == ()
    result = rated(MARKET.facilities[0])
    assert result.green_tier is None
    assert result.score is None


@pytest.mark.parametrize("facility", RATED, ids=lambda facility: facility.key)
def test_readings_reproduce_the_printed_pue_exactly(facility):
    readings = meter_readings(facility, YEAR)
    assert len(readings) == 2 * YEAR.hours == 17520
    sums = {
        kind: sum(r.quantity for r in readings if r.kind == kind)
        for kind in (MeterKind.IT, MeterKind.FACILITY_TOTAL)
    }
    assert abs(sums[MeterKind.FACILITY_TOTAL] / sums[MeterKind.IT] - facility.pue) < Decimal("1e-9")
    assert readings == meter_readings(facility, YEAR)
    result = rated(facility)
    assert result.value("pue") == facility.pue
    assert result.value("rack_utilization") == facility.rack_utilization
    assert result.quarantined == ()
    assert result.coverage == 1


def test_the_helinger_sample_reproduces_the_printed_shares_and_is_rated():
    facility = RATED[0]
    result = rated(facility)
    assert (facility.pue, facility.renewable_share) == (Decimal("1.185"), Decimal("0.86"))
    assert dict(facility.basis)["pue"] == "annex, area 18 和林格尔新区"
    share = result.value("renewable")
    assert Decimal("0.8597") < share <= Decimal("0.86")
    assert (result.pue_tier, result.green_tier) == (4, 3)


def test_the_second_helinger_sample_has_no_certificates_and_a_lower_band():
    facility = RATED[1]
    assert facility.pue == Decimal("1.15")
    assert "中国移动呼和浩特智算中心" in dict(facility.basis)["pue"]
    result = rated(facility)
    assert result.value("renewable") is None
    assert result.green_tier == 2
    assert result.raises[0].item == "renewable"


def test_certificate_lots_are_whole_months_with_distinct_serials():
    lots = certificate_lots(RATED[0], YEAR)
    assert len(lots) == 12
    assert lots[0].vintage == date(2025, 11, 1)
    assert all(lot.count > 0 and lot.state == "retired" and lot.sample for lot in lots)
    assert len({lot.first_serial for lot in lots}) == 12
    assert lots[0].last_serial.endswith(f"{lots[0].count:06d}")
