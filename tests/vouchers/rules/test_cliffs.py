"""A policy's cliffs are named, and so is who sits beside them."""

import numpy as np

from tests.vouchers.rules.sheets import WAN, document, rate_line
from vouchers.presets import load_presets
from vouchers.rules import Terms
from vouchers.rules.cliffs import beside, cliffs


def test_zhongwei_declares_its_cliff_at_ten_million():
    found = cliffs(load_presets()["zhongwei-platform-trade-1pct"].terms)
    assert [(one.fact, one.at_fen, one.upward) for one in found] == [
        ("annual_trade_volume_fen", 1_000 * WAN, True)
    ]
    assert "1000 万元" in found[0].text_zh


def test_hangzhou_ends_its_small_company_line_at_500_000():
    found = cliffs(load_presets()["hangzhou-2025"].terms)
    assert [(one.fact, one.at_fen, one.upward) for one in found] == [
        ("annual_contract_total_fen", 50 * WAN, False)
    ]


def test_a_minimum_spend_is_a_cliff_and_an_excess_or_a_plain_rate_is_none():
    excess = rate_line(mechanic="threshold_rate", threshold_fen=5, threshold_on="excess")
    assert cliffs(Terms.load(document(excess))) == ()
    assert cliffs(Terms.load(document(rate_line()))) == ()
    assert [one.at_fen for one in cliffs(load_presets()["xiamen-2024"].terms)] == [5 * WAN]


def test_claims_just_below_and_just_above_are_counted():
    cliff = cliffs(load_presets()["zhongwei-platform-trade-1pct"].terms)[0]
    values = np.array([-100, -1, 0, 1, 99, 100]) + 1_000 * WAN
    assert beside(cliff, values, within_fen=100) == (2, 3)
    assert beside(cliff, values, within_fen=1) == (1, 1)
