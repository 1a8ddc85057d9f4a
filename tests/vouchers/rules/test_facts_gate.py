"""Facts are named by basis and unit; anything else is refused with every problem at once."""

import pytest

from tests.vouchers.rules.sheets import ask_preset
from vouchers.presets import evaluate_rule, schema_of
from vouchers.rules import FactsError, RuleError


def problems(preset: str, **facts):
    with pytest.raises(FactsError) as caught:
        ask_preset(preset, **facts)
    return {(problem.field, problem.code) for problem in caught.value.problems}


def test_a_wrong_unit_is_named_with_the_right_one():
    with pytest.raises(FactsError, match="give investment_fen"):
        ask_preset("qinghai-investment-10pct", investment_cny=1)


def test_all_problems_come_at_once():
    assert problems(
        "qinghai-investment-10pct",
        investment_wan=1,
        colour="red",
        investment_fen=-1,
        entity_type="ghost",
    ) == {
        ("investment_wan", "wrong_unit"),
        ("colour", "unknown_fact"),
        ("investment_fen", "wrong_value"),
        ("entity_type", "wrong_value"),
    }


@pytest.mark.parametrize("value", [1.0, 1e9, "100", True, -1, 2**53, None, [1]])
def test_money_is_a_whole_number_of_fen_and_nothing_else(value):
    assert problems("qinghai-investment-10pct", investment_fen=value) == {
        ("investment_fen", "wrong_value")
    }


@pytest.mark.parametrize("value", [0.04, "4%", "-0.04", ""])
def test_a_rate_is_a_decimal_written_as_text(value):
    facts = {"interest_paid_fen": 1, "project_investment_fen": 1, "loan_annual_rate": value}
    assert problems("hangzhou-interest", **facts) == {("loan_annual_rate", "wrong_value")}


def test_the_basis_of_another_policy_is_refused_rather_than_read_as_missing():
    assert problems("zhongwei-platform-trade-1pct", contract_amount_fen=1) == {
        ("contract_amount_fen", "fact_not_used")
    }


def test_items_must_sum_to_the_basis():
    items = [{"kind": "storage", "amount_fen": 1}]
    with pytest.raises(FactsError, match="do not sum"):
        ask_preset(
            "nanning-2025",
            settled_fee_fen=2,
            items=items,
            contract_starts_on="2025-03-01",
            contract_ends_on="2025-04-01",
        )


@pytest.mark.parametrize("day", ["2025-2-1", "20250201", "2025-02-30", 20250201])
def test_a_day_is_written_in_full(day):
    assert ("contract_starts_on", "wrong_value") in problems("nanning-2025", contract_starts_on=day)


def test_a_missing_fact_is_no_error_but_leaves_the_decision_incomplete_and_names_itself():
    answer = ask_preset("zhongwei-platform-trade-1pct")
    assert (answer.decision, answer.amount_fen) == ("incomplete", None)
    assert [reason.fact for reason in answer.unknown] == ["annual_trade_volume_fen"]


def test_the_schema_of_a_preset_names_its_basis_and_closes_the_door_to_others():
    schema = schema_of("qinghai-investment-10pct")
    assert schema["required"] == ["investment_fen"]
    assert schema["additionalProperties"] is False
    assert schema["properties"]["investment_fen"]["x-unit"] == "fen"
    assert "contract_amount_fen" not in schema["properties"]


@pytest.mark.parametrize(
    ("preset", "code"), [("nowhere", "unknown_preset"), ("gbt44989-2024", "no_payout")]
)
def test_what_cannot_be_evaluated_says_why(preset, code):
    from tests.vouchers.rules.sheets import AT

    with pytest.raises(RuleError) as caught:
        evaluate_rule(preset, {}, AT)
    assert caught.value.code == code
