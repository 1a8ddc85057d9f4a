"""The arithmetic of each mechanic, by itself."""

from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

import pytest

from tests.vouchers.rules.sheets import WAN, ask, document, rate_line
from vouchers.rules.allocate import Request, draw, first_come, lottery, pro_rata, ranked
from vouchers.rules.civil_day import civil_day, ends_at, months_before, months_between, starts_at
from vouchers.rules.co_funding import split_by_ratio
from vouchers.rules.eligibility import lies_within
from vouchers.rules.exact import floor_to, fraction_of, percent_text, yuan_text_en, yuan_text_zh
from vouchers.rules.face_value import split_into_denominations
from vouchers.rules.interest_subsidy import interest_subsidy
from vouchers.rules.per_kwh import per_kwh
from vouchers.rules.pro_rata_time import share_of_days
from vouchers.rules.threshold_rate import threshold_rate
from vouchers.rules.tiers import marginal, whole_tier

TIERS = [{"from_fen": 0, "up_to_fen": 100, "rate": "0.1"}, {"from_fen": 100, "rate": "0.2"}]


def tiered(mechanic: str, basis_fen: int, **more) -> int | None:
    line = {"id": "a", "mechanic": mechanic, "basis": "rent_fen", "tiers": TIERS, **more}
    return ask(document(line), rent_fen=basis_fen).amount_fen


@pytest.mark.parametrize(
    ("basis_fen", "amount_fen"), [(99, 9), (100, 10), (101, 10), (105, 11), (200, 30)]
)
def test_marginal_tiers_give_each_slice_its_own_rate_and_round_once(basis_fen, amount_fen):
    assert tiered("tiers_marginal", basis_fen) == amount_fen


@pytest.mark.parametrize(
    ("edge", "basis_fen", "amount_fen"),
    [
        ("above", 99, 9),
        ("above", 100, 20),
        ("below", 100, 10),
        ("below", 101, 20),
    ],
)
def test_whole_amount_tiers_say_to_which_side_an_edge_belongs(edge, basis_fen, amount_fen):
    assert tiered("tiers_whole", basis_fen, edge_belongs=edge) == amount_fen


def test_a_basis_below_the_first_tier_belongs_to_none():
    tiers = [(100, None, Fraction(1, 10))]
    assert whole_tier(99, tiers, "above") is None
    assert marginal(99, tiers) == 0


@pytest.mark.parametrize(
    ("basis_fen", "inclusive", "whole", "amount_fen"),
    [
        (100, True, True, 10),
        (100, False, True, 0),
        (101, False, True, 10),
        (150, True, False, 5),
        (99, True, True, 0),
    ],
)
def test_a_threshold_states_whether_it_is_included_and_what_the_rate_applies_to(
    basis_fen, inclusive, whole, amount_fen
):
    assert (
        threshold_rate(basis_fen, 100, Fraction(1, 10), inclusive=inclusive, whole=whole)
        == amount_fen
    )


def test_days_are_counted_as_the_terms_say():
    contract = (date(2025, 1, 1), date(2026, 12, 31))
    period = (date(2025, 3, 1), date(2025, 12, 31))
    assert share_of_days(contract, period, inclusive=False) == (305, 729)
    assert share_of_days(contract, period, inclusive=True) == (306, 730)
    assert share_of_days(contract, (date(2030, 1, 1), date(2031, 1, 1)), inclusive=True)[0] == 0


def test_interest_is_held_down_by_points_and_by_share_at_once():
    limits = {"points": Fraction("0.015"), "share": Fraction(1, 2)}
    assert interest_subsidy(1000, Fraction("0.04"), **limits) == 375
    assert interest_subsidy(1000, Fraction("0.03"), **limits) == 500
    assert interest_subsidy(1000, Fraction("0.02"), **limits) == 500


def test_kilowatt_hours_are_rounded_once_at_the_end():
    assert per_kwh(Fraction("100.5"), Fraction(6)) == 603
    assert per_kwh(Fraction("0.16"), Fraction(6)) == 0


@pytest.mark.parametrize(
    ("amount", "coins", "expected"),
    [
        (14, [5, 10], {10: 1, 5: 0}),
        (15, [5, 10], {10: 1, 5: 1}),
        (4, [5], {5: 0}),
        (12, [9, 6, 4], {9: 0, 6: 2, 4: 0}),
        (30, [25, 10], {25: 0, 10: 3}),
        (10**12, [10**5, 5 * 10**5], {500000: 2 * 10**6, 100000: 0}),
    ],
)
def test_denominations_reach_the_largest_sum_with_the_fewest_vouchers(amount, coins, expected):
    assert split_into_denominations(amount, coins) == expected


def test_a_face_value_voucher_never_exceeds_what_the_basis_gives():
    line = {
        "id": "a",
        "mechanic": "face_value",
        "basis": "rent_fen",
        "denominations_fen": [WAN, 5 * WAN],
    }
    assert ask(document(line), rent_fen=12 * WAN - 1).amount_fen == 11 * WAN


def test_an_approved_rate_may_be_lower_than_a_ceiling_but_not_higher():
    doc = document(rate_line("0.2", rate_is_ceiling=True))
    assert ask(doc, contract_amount_fen=100, approved_rate="0.15").amount_fen == 15
    higher = ask(doc, contract_amount_fen=100, approved_rate="0.21")
    assert (higher.decision, higher.amount_fen) == ("refused", 0)


def test_lines_add_up_where_the_terms_say_so():
    lines = [rate_line("0.2"), {"id": "b", "mechanic": "lump_sum", "amount_fen": 7}]
    assert ask(document(*lines, combine="sum_of"), contract_amount_fen=100).amount_fen == 27
    assert ask(document(*lines, combine="max_of"), contract_amount_fen=100).amount_fen == 20
    assert ask(document(*lines), contract_amount_fen=100).amount_fen == 20


def test_a_fact_that_could_only_lower_the_amount_keeps_the_first_line_open():
    lines = [rate_line("0.1", id="x", when={"startup": True}), rate_line("0.2", id="y")]
    open_answer = ask(document(*lines), contract_amount_fen=100)
    assert (open_answer.decision, open_answer.amount_fen) == ("incomplete", 20)
    assert ask(document(*lines), contract_amount_fen=100, startup=True).amount_fen == 10
    assert ask(document(*lines), contract_amount_fen=100, startup=False).amount_fen == 20


def test_a_fact_that_could_only_raise_the_amount_is_noted():
    lines = [rate_line("0.3", id="x", when={"startup": True}), rate_line("0.2", id="y")]
    answer = ask(document(*lines), contract_amount_fen=100)
    assert (answer.decision, answer.amount_fen) == ("granted", 20)
    assert "line_not_considered" in {reason.code for reason in answer.reasons}


ASKED = [
    Request(name, amount, datetime(2025, 1, 1, tzinfo=UTC) + timedelta(hours=hour), score)
    for name, amount, hour, score in [("a", 60, 2, 1), ("b", 50, 1, 9), ("c", 30, 3, 5)]
]


def test_first_come_serves_by_instant_and_passes_over_what_no_longer_fits():
    assert first_come(ASKED, 100) == {"b": 50, "a": 0, "c": 30}
    assert first_come(ASKED, 100, partial=True) == {"b": 50, "a": 50, "c": 0}


def test_ranked_serves_by_score():
    assert ranked(ASKED, 85) == {"b": 50, "c": 30, "a": 0}


def test_a_lottery_is_the_same_for_everyone_who_knows_the_seed_and_not_for_another_seed():
    names = [f"n{index}" for index in range(20)]
    assert draw(names, "2025-06-01") == draw(names[::-1], "2025-06-01")
    assert draw(names, "2025-06-01") != draw(names, "2025-06-02")
    assert draw(["a", "b", "c"], "seed") == ["a", "c", "b"]
    assert lottery(ASKED, 90, seed="seed") == {"a": 60, "c": 30, "b": 0}


def test_an_oversubscribed_budget_is_shared_to_the_last_fen():
    assert pro_rata(ASKED, 100) == {"a": 43, "b": 36, "c": 21}
    assert pro_rata(ASKED, 140) == {"a": 60, "b": 50, "c": 30}


def test_co_funding_splits_one_to_one_and_gives_the_odd_fen_to_the_first_party():
    assert split_by_ratio(101, [1, 1]) == [51, 50]


@pytest.mark.parametrize(
    ("adcode", "region", "inside"),
    [
        ("110108", "110000", True),
        ("120101", "110000", False),
        ("330106", "330100", True),
        ("330282", "330100", False),
        ("440311", "440311", True),
        ("440312", "440311", False),
        ("990000", "100000", True),
    ],
)
def test_a_district_lies_within_its_city_and_province(adcode, region, inside):
    assert lies_within(adcode, region) is inside


def test_days_months_and_instants_are_those_of_shanghai():
    assert civil_day(datetime(2025, 12, 31, 16, tzinfo=UTC)) == date(2026, 1, 1)
    assert civil_day(datetime(2025, 12, 31, 15, 59, 59, tzinfo=UTC)) == date(2025, 12, 31)
    assert ends_at(date(2025, 12, 31)) == starts_at(date(2026, 1, 1))
    assert months_before(date(2025, 3, 31), 1) == date(2025, 2, 28)
    assert months_before(date(2025, 1, 15), 13) == date(2023, 12, 15)
    assert months_between(date(2025, 1, 1), date(2025, 12, 31)) == 12
    assert months_between(date(2025, 1, 1), date(2026, 1, 2)) == 13
    with pytest.raises(ValueError, match="naive"):
        civil_day(datetime(2025, 1, 1))


def test_numbers_are_exact_and_read_well():
    assert floor_to(Fraction(299, 100)) == 2
    assert floor_to(Fraction(8367626), 100) == 8367600
    assert [percent_text(fraction_of(text)) for text in ("0.2", "0.015", "1/3", "1")] == [
        "20%",
        "1.5%",
        "1/3",
        "100%",
    ]
    assert [yuan_text_zh(fen) for fen in (200_000_000, 15_300_000_000, 123, 1_000_000)] == [
        "200 万元",
        "1.53 亿元",
        "1.23 元",
        "1 万元",
    ]
    assert yuan_text_en(999_999_999) == "9,999,999.99 CNY"
