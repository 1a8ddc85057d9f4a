"""A factor is looked up exactly, or the lookup fails loudly."""

from datetime import date
from decimal import Decimal

import pytest

from providers.facts import GridFactorUnknown, load_grid_factors

# 2023 data year, kgCO2/kWh, notice 公告2025年第47号, written out so that no file can drift unseen.
GOLDEN_2023 = {
    "110000": "0.5554", "120000": "0.6796", "130000": "0.6516", "140000": "0.6634",
    "150000": "0.6479", "210000": "0.4878", "220000": "0.4671", "230000": "0.5229",
    "310000": "0.5737", "320000": "0.5827", "330000": "0.4974", "340000": "0.6553",
    "350000": "0.4211", "360000": "0.5836", "370000": "0.6191", "410000": "0.5897",
    "420000": "0.4044", "430000": "0.4976", "440000": "0.4419", "450000": "0.4476",
    "460000": "0.3648", "500000": "0.5581", "510000": "0.1564", "520000": "0.5683",
    "530000": "0.1333", "610000": "0.6335", "620000": "0.4471", "630000": "0.1796",
    "640000": "0.6187", "650000": "0.6021",
}  # fmt: skip


@pytest.mark.parametrize(("adcode", "value"), GOLDEN_2023.items())
def test_the_2023_factor_of_every_published_province(adcode, value):
    factor = load_grid_factors().province(adcode, 2023)
    assert factor.kg_per_kwh == Decimal(value)
    assert factor.notice == "公告2025年第47号"


def test_a_city_or_district_code_takes_its_province():
    assert load_grid_factors().province("130722", 2022).place == "130000"


def test_inner_mongolia_is_12_9_and_ningxia_7_8_percent_dirtier_than_shanghai_in_2023():
    def of(adcode):
        return load_grid_factors().province(adcode, 2023).kg_per_kwh

    dirtier = {
        code: ((of(code) / of("310000") - 1) * 100).quantize(Decimal("0.1"))
        for code in ("150000", "640000")
    }
    assert dirtier == {"150000": Decimal("12.9"), "640000": Decimal("7.8")}


@pytest.mark.parametrize(("adcode", "year"), [("540000", 2023), ("310000", 2020), ("710000", 2023)])
def test_a_factor_that_was_not_published_is_an_error_and_never_the_national_one(adcode, year):
    with pytest.raises(GridFactorUnknown) as caught:
        load_grid_factors().province(adcode, year)
    assert str(year) in caught.value.text_en
    assert caught.value.text_zh


def test_consumption_takes_the_newest_factor_that_was_public_that_day():
    factors = load_grid_factors()

    def year_on(day):
        return factors.province_newest("310000", consumption_year=2025, on=day).data_year

    assert year_on(date(2025, 12, 30)) == 2022
    assert year_on(date(2025, 12, 31)) == 2023
    assert (
        factors.province_newest("310000", consumption_year=2022, on=date(2026, 6, 1)).data_year
        == 2022
    )
    with pytest.raises(GridFactorUnknown):
        factors.province_newest("310000", consumption_year=2025, on=date(2024, 4, 11))


def test_a_national_figure_that_no_text_gave_stays_unknown():
    with pytest.raises(GridFactorUnknown):
        load_grid_factors().national_of("fossil_only", 2021)
