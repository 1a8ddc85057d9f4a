"""What a person wrote is read, checked and told back in both languages."""

import json

import pytest

from tests.vouchers.rules.sheets import WAN, document, rate_line
from vouchers.presets import load_presets
from vouchers.rules import RuleError
from vouchers.rules.read_terms import check_terms, read_terms


def test_yaml_and_json_are_the_same_document():
    terms = document(rate_line("0.2"))
    assert read_terms(json.dumps(terms)) == terms
    assert read_terms("a: 2025-01-01\nb: [1, 'x']\n") == {"a": "2025-01-01", "b": [1, "x"]}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [1,\nb: }", "line 2"),
        ("- 1", "an object"),
        ("", "an object"),
        ("a: !!python/x 1", "line 1"),
        ("a: &x 1\nb: *x", "aliases"),
        ("a: 1\nb: 2\na: 3", "line 3"),
    ],
)
def test_what_cannot_be_read_says_where(text, said):
    with pytest.raises(RuleError) as refused:
        read_terms(text)
    assert refused.value.code == "malformed"
    assert said in refused.value.text_en


def test_a_text_too_long_is_not_read():
    with pytest.raises(RuleError):
        read_terms("a" * 300_000)


def test_a_contradiction_is_pointed_at():
    terms = document(rate_line("0.2"), minimums={"award_fen": 2 * WAN})
    terms["caps"] = [{"id": "c", "per": "application", "amount_fen": WAN}]
    found = check_terms(terms)
    assert [each.pointer for each in found.problems]
    assert found.clauses == ()
    assert not found.can_be_submitted


def test_what_is_unknown_is_listed_and_keeps_a_draft_from_being_submitted():
    preset = load_presets()["qinghai-investment-10pct"]
    found = check_terms(preset.terms.document)
    assert found.problems == ()
    assert found.missing
    assert not found.can_be_submitted


def test_terms_read_as_sentences():
    chinese, english = check_terms(document(rate_line("0.2"))).clauses[0]
    assert "20%" in chinese
    assert "20 %" in english or "20%" in english
