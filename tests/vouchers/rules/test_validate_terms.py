"""Contradictory terms are refused with the pointer to the field."""

import copy

import pytest

from tests.vouchers.rules.sheets import WAN, document, rate_line, year_cap
from vouchers.presets import load_presets
from vouchers.rules import Terms, TermsError, stacking_cycles, validate_terms


def found(doc):
    return {(problem.pointer, problem.code) for problem in validate_terms(doc)}


def tiers(*edges, mechanic="tiers_marginal"):
    rows = [
        {"from_fen": low, **({} if high is None else {"up_to_fen": high}), "rate": "0.1"}
        for low, high in edges
    ]
    return {"id": "a", "mechanic": mechanic, "basis": "rent_fen", "tiers": rows}


def test_sound_terms_have_no_problem():
    assert found(document(rate_line(), caps=[year_cap(WAN)])) == set()


def test_every_shipped_preset_is_sound():
    presets = load_presets().values()
    assert all(found(one.document["terms"]) == set() for one in presets if one.pays)


@pytest.mark.parametrize(
    ("doc", "problem"),
    [
        (
            document(rate_line(), caps=[year_cap(99)], minimums={"award_fen": 100}),
            ("/caps/0/amount_fen", "cap_below_minimum"),
        ),
        (
            document(rate_line(cap_fen=99), minimums={"award_fen": 100}),
            ("/benefit/lines/0/cap_fen", "cap_below_minimum"),
        ),
        (
            document(tiers((0, 10), (9, None))),
            ("/benefit/lines/0/tiers/1/from_fen", "tiers_overlap"),
        ),
        (
            document(tiers((0, None), (9, None))),
            ("/benefit/lines/0/tiers/1/from_fen", "tiers_overlap"),
        ),
        (document(tiers((0, 10), (11, None))), ("/benefit/lines/0/tiers/1/from_fen", "tiers_gap")),
        (document(tiers((10, 10))), ("/benefit/lines/0/tiers/0/from_fen", "tiers_empty")),
        (document(rate_line("1.01")), ("/benefit/lines/0/rate", "rate_above_one")),
        (document(rate_line(basis="rank")), ("/benefit/lines/0/basis", "unknown_basis")),
        (
            document({"id": "a", "mechanic": "rate", "rate": "0.1"}),
            ("/benefit/lines/0", "basis_needed"),
        ),
        (document(rate_line(), rate_line()), ("/benefit/lines/1/id", "duplicate")),
        (document(rate_line(when={"colour": "red"})), ("/benefit/lines/0/when/colour", "when")),
        (document(rate_line(when={"startup": "yes"})), ("/benefit/lines/0/when/startup", "when")),
        (
            document(rate_line(when={"size": {"one_of": ["huge"]}})),
            ("/benefit/lines/0/when/size", "when"),
        ),
        (
            document(rate_line(when={"company_age_months": {"under": 1}})),
            ("/benefit/lines/0/when/company_age_months", "when"),
        ),
        (
            document(rate_line(), caps=[{"id": "r", "amount_fen": 1, "per": "rolling_months"}]),
            ("/caps/0/months", "months_needed"),
        ),
        (
            document(
                rate_line(), windows={"in_force": {"from": "2025-01-02", "through": "2025-01-01"}}
            ),
            ("/windows/in_force/through", "period_backwards"),
        ),
        (
            document(rate_line(), compute={"eligible": ["storage"], "excluded": ["storage"]}),
            ("/compute/excluded", "eligible_and_excluded"),
        ),
        (
            document(rate_line(), stacking={"after": ["test"]}),
            ("/stacking/after", "stacking_cycle"),
        ),
        (
            document(rate_line(), stacking={"after": ["b"], "excludes": ["b"]}),
            ("/stacking/after", "stacking_contradiction"),
        ),
        (
            document(rate_line(), budget={"co_funding": {"parties": ["省", "市"], "ratio": [1]}}),
            ("/budget/co_funding/ratio", "ratio_length"),
        ),
        (
            document({"id": "a", "mechanic": "lump_sum", "amount_fen": 2, "cap_fen": 1}),
            ("/benefit/lines/0/cap_fen", "cap_below_amount"),
        ),
        (document(rate_line(), caps=[year_cap(1.5)]), ("/caps/0/amount_fen", "float")),
        (document(rate_line(surprise=1)), ("/benefit/lines/0", "schema")),
        (document(rate_line(rate="20%")), ("/benefit/lines/0/rate", "schema")),
    ],
)
def test_a_contradiction_points_at_its_field(doc, problem):
    assert problem in found(doc)
    with pytest.raises(TermsError):
        Terms.load(doc)


def test_programmes_counted_after_each_other_have_no_order():
    ring = {
        "a": {"stacking": {"after": ["b"]}},
        "b": {"stacking": {"after": ["c"]}},
        "c": {"stacking": {"after": ["a"]}},
    }
    assert [problem.code for problem in stacking_cycles(ring)] == ["stacking_cycle"]
    assert stacking_cycles({**ring, "c": {}}) == []


def test_loaded_terms_do_not_follow_later_changes_of_the_document():
    doc = document(rate_line())
    terms = Terms.load(doc)
    before = terms.digest
    kept = copy.deepcopy(terms.document)
    doc["benefit"]["lines"][0]["rate"] = "0.9"
    assert terms.document == kept
    assert Terms.load(terms.document).digest == before


def test_null_is_no_contradiction_but_a_missing_parameter():
    terms = Terms.load(document(rate_line(None), caps=[year_cap(None)]))
    assert [one.pointer for one in terms.missing] == ["/benefit/lines/0/rate", "/caps/0/amount_fen"]
    assert not terms.complete
