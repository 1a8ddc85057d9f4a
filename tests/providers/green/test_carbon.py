"""Two ledgers that are never blended, and a job's carbon that says how it was got."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.facts import load_grid_factors
from providers.green import (
    GreenInputError,
    job_carbon,
    job_energy,
    location_based,
    market_based,
)
from providers.green.indicators import ce, cue, erf, sci, se

GRID = load_grid_factors()
NINGXIA = GRID.province("640000", 2023)
RESIDUAL = GRID.national_of("average_excluding_market_traded_nonfossil", 2023)
kwhs = st.decimals(0, 10**7, places=3)


def test_the_same_kwh_weighs_more_in_inner_mongolia_than_in_shanghai():
    def kg(adcode):
        return location_based(Decimal(1000), GRID.province(adcode, 2023)).kg

    assert kg("150000") == Decimal("647.9")
    assert kg("310000") == Decimal("573.7")


@given(kwh=kwhs, retired=kwhs, more=kwhs)
def test_certificates_lower_the_market_ledger_and_never_the_location_ledger(kwh, retired, more):
    energy = job_energy(metered_it_kwh=kwh, pue=Decimal("1.2"))
    without = job_carbon(energy, NINGXIA, residual=RESIDUAL, retired_kwh=retired)
    with_more = job_carbon(energy, NINGXIA, residual=RESIDUAL, retired_kwh=retired + more)
    assert with_more.location_based == without.location_based
    assert with_more.market_based.kg <= without.market_based.kg
    assert with_more.market_based.kg >= 0


def test_each_amount_names_its_ledger_factor_and_shape():
    amount = location_based(Decimal(10), NINGXIA)
    assert (amount.ledger, amount.shape, amount.factor_data_year) == (
        "location_based",
        "flat",
        2023,
    )
    assert amount.factor_notice == "公告2025年第47号"
    market = market_based(Decimal(10), Decimal(4), RESIDUAL)
    assert market.kg == Decimal("6") * Decimal("0.6096")
    assert market.factor_place == "national:average_excluding_market_traded_nonfossil"


def test_a_metered_job_is_metered_and_an_estimated_one_says_so():
    metered = job_energy(
        metered_it_kwh=Decimal(80),
        pue=Decimal("1.25"),
        tdp_w=Decimal(400),
        accelerator_hours=Decimal(1000),
        utilization=Decimal(1),
    )
    assert (metered.basis, metered.facility_kwh) == ("metered", Decimal(100))
    estimated = job_energy(
        metered_it_kwh=None,
        pue=Decimal("1.25"),
        tdp_w=Decimal(400),
        accelerator_hours=Decimal(1000),
        utilization=Decimal("0.5"),
    )
    assert (estimated.basis, estimated.it_kwh, estimated.facility_kwh) == ("estimated", 200, 250)


def test_without_meter_or_tdp_there_is_no_energy_and_without_pue_the_overhead_is_unknown():
    assert job_energy(metered_it_kwh=None, pue=Decimal("1.2"), tdp_w=None) is None
    bare = job_energy(metered_it_kwh=Decimal(10), pue=None)
    assert (bare.facility_kwh, bare.overhead_known) == (10, False)


@pytest.mark.parametrize(
    "wrong",
    [
        {"metered_it_kwh": Decimal(-1), "pue": None},
        {"metered_it_kwh": Decimal(1), "pue": Decimal("0.99")},
        {
            "metered_it_kwh": None,
            "pue": None,
            "tdp_w": Decimal(1),
            "accelerator_hours": Decimal(1),
            "utilization": Decimal("1.01"),
        },
    ],
)
def test_impossible_energy_is_refused(wrong):
    with pytest.raises(GreenInputError):
        job_energy(**wrong)


def test_without_a_residual_factor_the_market_ledger_stays_unknown():
    energy = job_energy(metered_it_kwh=Decimal(10), pue=Decimal("1.1"))
    assert job_carbon(energy, NINGXIA).market_based is None


def test_the_remaining_indicators_by_hand():
    assert cue(Decimal(1185), Decimal(1000), Decimal("0.6479")) == Decimal("0.767762")
    assert erf(Decimal(50), Decimal(1000)) == Decimal("0.05")
    assert ce(Decimal(2195), Decimal(100)) == Decimal("21.95")
    assert se(Decimal(1022), Decimal(10)) == Decimal("102.2")
    assert sci(Decimal(100), Decimal("0.5"), Decimal(10), Decimal(20)) == Decimal(3)
    assert sci(Decimal(100), Decimal("0.5"), None, Decimal(20)) is None


def test_a_product_footprint_factor_is_refused_in_both_ledgers():
    footprint = GRID.national_of("footprint_lifecycle_kgco2e", 2023)
    assert footprint.notice == "公告2025年第3号"
    with pytest.raises(GreenInputError, match="footprint"):
        location_based(Decimal(1), footprint)
    with pytest.raises(GreenInputError, match="footprint"):
        market_based(Decimal(1), Decimal(0), footprint)
