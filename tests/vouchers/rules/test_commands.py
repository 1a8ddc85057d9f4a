"""The two commands print one JSON object or a table, and need no database."""

import json
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from vouchers.presets import load_presets
from vouchers.presets.coverage import sample_facts, sample_instant
from vouchers.rules.schema_guide import guide

PAYING = sorted(name for name, preset in load_presets().items() if preset.terms)
PAYING_NOTHING = sorted(set(load_presets()) - set(PAYING))


def run(*words: str) -> str:
    out = StringIO()
    call_command(*words, stdout=out)
    return out.getvalue()


@pytest.fixture
def facts(tmp_path):
    def write(value) -> str:
        path = tmp_path / "facts.json"
        path.write_text(json.dumps(value), encoding="utf-8")
        return str(path)

    return write


@pytest.mark.parametrize(
    ("volume_fen", "amount_fen"),
    [(999_999_999, 0), (1_000_000_000, 10_000_000), (20_000_000_000, 200_000_000)],
)
def test_evaluate_rule_prints_one_object_with_amount_reasons_and_steps(
    facts, volume_fen, amount_fen
):
    path = facts({"annual_trade_volume_fen": volume_fen})
    found = json.loads(run("evaluate_rule", "zhongwei-platform-trade-1pct", "--facts", path))
    assert found["amount_fen"] == amount_fen
    assert found["decision"] == ("granted" if amount_fen else "refused")
    assert found["preset"] == "zhongwei-platform-trade-1pct"
    assert found["policy_version"].startswith("zhongwei-platform-trade-1pct@")
    assert all(
        {"code", "clause", "text_en", "text_zh"} <= set(reason) for reason in found["reasons"]
    )
    assert found["steps"]


def test_the_instant_decides_whether_a_policy_is_in_force(facts):
    path = facts({"contract_amount_fen": 100})
    words = ("evaluate_rule", "beijing-2023", "--facts", path, "--at")
    codes = [
        {reason["code"]: reason["status"] for reason in json.loads(run(*words, at))["reasons"]}
        for at in ("2025-12-31T23:59:59+08:00", "2026-01-01T00:00:00+08:00")
    ]
    assert [one["in_force"] for one in codes] == ["met", "unknown"]


def test_schema_prints_what_a_preset_needs():
    schema = json.loads(run("evaluate_rule", "qinghai-investment-10pct", "--schema"))
    assert schema["required"] == ["investment_fen"]


@pytest.mark.parametrize("value", [{"investment_cny": 1}, {"colour": 1}, {"investment_fen": 1.5}])
def test_facts_that_cannot_be_used_exit_with_one(facts, value):
    with pytest.raises(SystemExit) as caught:
        run("evaluate_rule", "qinghai-investment-10pct", "--facts", facts(value))
    assert caught.value.code == 1


@pytest.mark.parametrize("preset", PAYING)
def test_every_preset_says_what_it_needs_and_refuses_other_keys_and_units(facts, capsys, preset):
    schema = json.loads(run("evaluate_rule", preset, "--schema"))
    terms = load_presets()[preset].terms
    given = sample_facts(terms)
    assert set(schema.get("required", ())) <= set(given) <= set(schema["properties"])
    at = sample_instant(terms, datetime(2026, 6, 1, tzinfo=UTC)).isoformat()
    found = json.loads(run("evaluate_rule", preset, "--facts", facts(given), "--at", at))
    assert {"amount_fen", "decision", "reasons", "steps", "policy_version"} <= set(found)
    assert found["preset"] == preset
    money = [name for name in given if name.endswith("_fen")][:1]
    wrong = [("contract_amount_cny", 1)]
    wrong += [(name, value) for name in money for value in ("100", 100.5, -1, True)]
    for field, value in wrong:
        with pytest.raises(SystemExit) as caught:
            run("evaluate_rule", preset, "--facts", facts({**given, field: value}))
        assert caught.value.code == 1
        problems = json.loads(capsys.readouterr().err)["problems"]
        assert [each["field"] for each in problems] == [field]


@pytest.mark.parametrize("preset", PAYING_NOTHING)
def test_a_preset_that_pays_nothing_takes_no_facts(capsys, preset):
    with pytest.raises(SystemExit):
        run("evaluate_rule", preset, "--schema")
    assert json.loads(capsys.readouterr().err)["code"] == "no_payout"


@pytest.mark.parametrize(
    "words",
    [
        ("--facts", "/nowhere.json"),
        (),
        ("--facts", "FACTS", "--at", "yesterday"),
        ("--facts", "FACTS", "--at", "2025-01-01T00:00:00"),
    ],
)
def test_a_wrong_call_is_named(facts, words):
    path = facts({})
    words = tuple(path if word == "FACTS" else word for word in words)
    with pytest.raises(CommandError):
        run("evaluate_rule", "qinghai-investment-10pct", *words)


def test_a_list_is_not_a_set_of_facts(facts):
    with pytest.raises(CommandError, match="one JSON object"):
        run("evaluate_rule", "qinghai-investment-10pct", "--facts", facts([1]))


def test_policy_coverage_shows_every_preset_and_the_issuers_named():
    table = run("policy_coverage")
    assert "24 issuers named in the report" in table
    rows = json.loads(run("policy_coverage", "--json"))
    assert len(rows) == 82
    assert all(row["preset"] in table for row in rows)
    assert {row["runs"] for row in rows if row["state"] == "no_payout"} == {"-"}
    assert {row["runs"] for row in rows if row["state"] == "incomplete"} == {"incomplete"}
    assert {row["runs"] for row in rows if row["state"] == "complete"} == {"granted"}


def test_the_schema_guide_is_up_to_date():
    page = Path(__file__).resolve().parents[3] / "docs" / "guides" / "policy-schema.md"
    assert page.read_text(encoding="utf-8") == guide()
