"""Every issuer and every rule kind: the printed numbers of each preset, one fen to either side of
where they stop or start to pay, against arithmetic that shares nothing with the engine."""

from collections.abc import Iterator
from datetime import datetime
from fractions import Fraction
from typing import Any

import pytest

from vouchers.presets import load_presets
from vouchers.presets.coverage import sample_facts, sample_instant
from vouchers.presets.load import Preset
from vouchers.rules import evaluate
from vouchers.rules.civil_day import SHANGHAI

MARCH = datetime(2025, 3, 1, 12, tzinfo=SHANGHAI)
PAYING = {name: each for name, each in load_presets().items() if each.terms is not None}


def ceilings(preset: Preset, line: dict[str, Any]) -> list[int]:
    """Every printed ceiling over what the first line pays for one claim."""
    assert preset.terms is not None
    caps = [cap["amount_fen"] for cap in preset.terms.document.get("caps", ())]
    return [fen for fen in (line.get("cap_fen"), *caps) if fen is not None]


def boundaries(preset: Preset) -> Iterator[tuple[int, int]]:
    """(basis, amount): about the printed threshold and about the lowest printed ceiling of the
    first line; without either, about the smallest basis that pays a fen."""
    assert preset.terms is not None
    lines = preset.terms.document["benefit"]["lines"] or ()
    if not lines or lines[0].get("rate") is None or lines[0].get("basis") is None:
        return
    line, quantum = lines[0], lines[0].get("quantum_fen", 1)
    if line["mechanic"] not in ("rate", "matching_grant", "threshold_rate"):
        return
    rate, least = Fraction(line["rate"]), line.get("threshold_fen") or 0
    most = min(ceilings(preset, line), default=None)
    known = line["mechanic"] != "threshold_rate" or line.get("threshold_fen") is not None
    if not known:
        return
    edges = {least} if least else set()
    edges.add(-(-(most or quantum) * rate.denominator // rate.numerator))
    step_fen = quantum if "pro_rata" in line else 1  # a basis cut to a period is cut down itself
    edges = {-(-edge // step_fen) * step_fen for edge in edges}
    whole = line.get("threshold_on", "whole") == "whole"
    for basis in sorted({edge + step for edge in edges for step in (-1, 0, 1)}):
        reached = basis >= least if line.get("threshold_inclusive", True) else basis > least
        basis_cut = basis // step_fen * step_fen
        base = basis_cut if whole else max(basis - least, 0)
        fen = base * rate.numerator // rate.denominator // quantum * quantum if reached else 0
        yield basis, min(fen, most) if most is not None else fen


CASES = [
    pytest.param(name, basis, fen, id=f"{name}-{basis}")
    for name, preset in PAYING.items()
    for basis, fen in boundaries(preset)
]


@pytest.mark.parametrize(("name", "basis", "fen"), CASES)
def test_a_printed_number_holds_to_the_fen(name: str, basis: int, fen: int) -> None:
    terms = PAYING[name].terms
    assert terms is not None
    line = terms.document["benefit"]["lines"][0]
    facts = sample_facts(terms) | {line["basis"]: basis}
    if "pro_rata" in line:  # the whole contract within the period
        facts["contract_starts_on"] = line["pro_rata"]["from"]
        facts["contract_ends_on"] = line["pro_rata"]["through"]
    answer = evaluate(terms, facts, at=sample_instant(terms, MARCH))
    assert (answer.amount_fen or 0) == fen, [each.code for each in answer.reasons]


ONE_BY_HAND = {
    # 一次性 1,000 万元, PUE ≤ 1.25
    ("kunming-pue-1.25", "1.25"): ({"pue": "1.25"}, 10_000_000_00),
    ("kunming-pue-1.25", "above 1.25"): ({"pue": "1.2501"}, 0),
    # 1.5 points of a loan at 4 %, never more than half of the interest, at most 1,000 万元
    ("hangzhou-interest", "by points"): ({"interest_paid_fen": 800}, 300),
    ("hangzhou-interest", "a fen less"): ({"interest_paid_fen": 799}, 299),
    ("hangzhou-interest", "by share"): (
        {"interest_paid_fen": 801, "loan_annual_rate": "0.02"},
        400,
    ),
    ("hangzhou-interest", "below the cap"): ({"interest_paid_fen": 2_666_666_664}, 999_999_999),
    ("hangzhou-interest", "the cap"): ({"interest_paid_fen": 2_666_666_667}, 1_000_000_000),
    ("hangzhou-interest", "above the cap"): ({"interest_paid_fen": 2_666_666_670}, 1_000_000_000),
    ("hangzhou-interest", "too small"): ({"project_investment_fen": 4_999_999_999}, 0),
    # 50 % of the fee for compute, at most 100 万元 a year
    ("langfang-2023", "below the cap"): ({"usage_fee_fen": 199_999_999}, 99_999_999),
    ("langfang-2023", "the cap"): ({"usage_fee_fen": 200_000_000}, 100_000_000),
    ("langfang-2023", "above the cap"): ({"usage_fee_fen": 200_000_001}, 100_000_000),
}


@pytest.mark.parametrize(
    ("name", "facts", "fen"),
    [pytest.param(key[0], *case, id="-".join(key)) for key, case in ONE_BY_HAND.items()],
)
def test_other_mechanics_hold_to_the_fen(name: str, facts: dict[str, Any], fen: int) -> None:
    terms = PAYING[name].terms
    assert terms is not None
    sample = sample_facts(terms)
    if name == "langfang-2023":
        sample = {
            key: value
            for key, value in sample.items()
            if key not in ("settled_in_region", "project_grade", "compute_cost_fen")
        }
    answer = evaluate(terms, sample | facts, at=sample_instant(terms, MARCH))
    assert (answer.amount_fen or 0) == fen, [each.code for each in answer.reasons]


AT_A_BOUNDARY = {each.values[0] for each in CASES} | {name for name, _case in ONE_BY_HAND}
WITHOUT_A_NUMBER = sorted(set(PAYING) - AT_A_BOUNDARY)


@pytest.mark.parametrize("name", WITHOUT_A_NUMBER)
def test_a_source_without_the_number_grants_nothing_and_says_what_it_lacks(name: str) -> None:
    preset = PAYING[name]
    assert preset.terms is not None
    assert preset.terms.missing
    answer = evaluate(
        preset.terms, sample_facts(preset.terms), at=sample_instant(preset.terms, MARCH)
    )
    assert answer.decision != "granted"


# Kinds of which no source prints the figure a boundary would be drawn from.
NO_FIGURE = {
    "green_power_subsidy",
    "platform_settlement_reward",
    "power_price",
    "ranked_award",
    "unknown",
}


def test_every_rule_kind_whose_figure_is_printed_is_tried_at_it() -> None:
    kinds = {each.kind for each in PAYING.values()}
    assert kinds - {PAYING[name].kind for name in AT_A_BOUNDARY} == NO_FIGURE


def test_every_issuer_named_in_the_report_is_tried() -> None:
    named = {each.adcode for each in load_presets().values() if each.document.get("seed_named")}
    assert len(named) == 24
    tried = {PAYING[name].adcode for name in AT_A_BOUNDARY}
    assert len(named & tried) == 16
    assert named - tried <= {PAYING[name].adcode for name in WITHOUT_A_NUMBER}
