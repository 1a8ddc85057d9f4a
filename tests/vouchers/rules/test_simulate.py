"""The vectorised engine equals the one-by-one engine, claim by claim."""

from datetime import date, datetime, time, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.vouchers.rules.sheets import WAN, document, rate_line
from vouchers.presets import load_presets
from vouchers.presets.coverage import sample_facts, sample_instant
from vouchers.rules import RuleError, Terms, Usage, UsageEntry, evaluate
from vouchers.rules.civil_day import SHANGHAI
from vouchers.rules.cliffs import cliffs
from vouchers.rules.entitlement import relevant_facts
from vouchers.rules.facts import BASES, CATALOGUE
from vouchers.rules.simulate import DECISIONS, floor_rate, simulate
from vouchers.rules.simulate_one_by_one import MOST_CLAIMS, simulate_claims, simulate_one_by_one

NOT_VECTORISED = {"hangzhou-interest", "qingyang-scale", "wuhan-opc-2026"}

RATES = st.sampled_from(["0.05", "0.2", "1/3", "1"])
FEN = st.integers(0, 10**12)
EDGES = st.integers(1, 10**6)
PLAIN = st.builds(
    lambda mechanic, rate, cap, quantum, at, whole, inclusive: {
        "mechanic": mechanic,
        "basis": "contract_amount_fen",
        "rate": rate,
        **({} if cap is None else {"cap_fen": cap + 100}),
        **({} if quantum is None else {"quantum_fen": quantum}),
        **(
            {"threshold_fen": at, "threshold_on": whole, "threshold_inclusive": inclusive}
            if mechanic == "threshold_rate"
            else {}
        ),
    },
    st.sampled_from(["rate", "threshold_rate"]),
    RATES,
    st.none() | EDGES,
    st.sampled_from([None, None, 100]),
    EDGES,
    st.sampled_from(["whole", "excess"]),
    st.booleans(),
)
TIERED = st.builds(
    lambda mechanic, edge, low, high, side: {
        "mechanic": mechanic,
        "basis": "contract_amount_fen",
        "edge_belongs": side,
        "tiers": [
            {"from_fen": 0, "up_to_fen": edge, "rate": low},
            {"from_fen": edge, "rate": high},
        ],
    },
    st.sampled_from(["tiers_marginal", "tiers_whole"]),
    EDGES,
    RATES,
    RATES,
    st.sampled_from(["above", "below"]),
)
LUMP = st.builds(lambda amount: {"mechanic": "lump_sum", "amount_fen": amount}, EDGES)
WHEN = st.sampled_from(
    [
        {},
        {},
        {"startup": True},
        {"size": {"one_of": ["small", "medium"]}},
        {"company_age_months": {"below": 12}},
    ]
)
LINES = st.lists(
    st.builds(
        lambda line, when: line | ({"when": when} if when else {}), PLAIN | TIERED | LUMP, WHEN
    ),
    min_size=1,
    max_size=4,
)
CAPS = st.lists(
    st.builds(
        lambda amount, per: {"amount_fen": amount, "per": per},
        EDGES,
        st.sampled_from(["application", "natural_year", "lifetime"]),
    ),
    max_size=3,
)
CLAIMS = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.integers(0, 800),
        st.integers(0, 3 * 10**6),
        st.booleans(),
        st.sampled_from(["small", "medium", "large"]),
        st.integers(10, 13),
        st.booleans(),
    ),
    min_size=1,
    max_size=12,
)


def numbered(rows):
    return [{"id": f"n{index}", **row} for index, row in enumerate(rows)]


def columns_of(claims):
    names = ("contract_amount_fen", "startup", "size", "company_age_months", "provider_affiliated")
    return {
        name: np.array([claim[index + 2] for claim in claims]) for index, name in enumerate(names)
    }


def one_by_one(terms, claims, columns, days):
    granted: dict[int, list[UsageEntry]] = {}
    answers = [None] * len(claims)
    for row in sorted(range(len(claims)), key=lambda index: days[index]):
        facts = relevant_facts(
            terms, {name: column[row].item() for name, column in columns.items()}
        )
        who = claims[row][0]
        answer = evaluate(
            terms,
            facts,
            at=datetime.combine(days[row], time(12), SHANGHAI),
            used=Usage(tuple(granted.get(who, []))),
        )
        answers[row] = answer
        if answer.decision == "granted":
            granted.setdefault(who, []).append(UsageEntry(days[row], answer.amount_fen))
    return answers


@settings(max_examples=120, deadline=None)
@given(
    LINES,
    CAPS,
    CLAIMS,
    st.sampled_from(["max_of", "sum_of", "first_that_applies"]),
    st.sampled_from([None, 1, 50_000]),
    st.booleans(),
)
def test_a_million_claims_would_be_decided_as_one_by_one(lines, caps, claims, how, least, windows):
    minimums = {} if least is None else {"minimums": {"award_fen": least}}
    caps = [cap for cap in caps if least is None or cap["amount_fen"] >= least]
    lines = [line for line in lines if line.get("cap_fen", least or 0) >= (least or 0)] or [
        {"mechanic": "lump_sum", "amount_fen": 9}
    ]
    more = {
        "windows": {"in_force": {"from": "2025-01-01"}, "application": {"through": "2026-06-30"}}
    }
    terms = Terms.load(
        document(
            *numbered(lines),
            combine=how,
            caps=numbered(caps),
            providers={"non_affiliated": True},
            **minimums,
            **(more if windows else {}),
        )
    )
    columns = columns_of(claims)
    days = [date(2024, 12, 1) + timedelta(days=claim[1]) for claim in claims]
    found = simulate(
        terms,
        columns,
        on=np.array(days, dtype="datetime64[D]"),
        enterprise=np.array([claim[0] for claim in claims]),
    )
    expected = one_by_one(terms, claims, columns, days)
    assert [DECISIONS[code] for code in found.decision] == [one.decision for one in expected]
    assert found.amount_fen.tolist() == [one.amount_fen for one in expected]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(0, 2**53 - 1), min_size=1),
    RATES | st.sampled_from(["0.0001", "9999/10000"]),
)
def test_rates_are_floored_without_overflow(amounts, rate):
    from fractions import Fraction

    exact = Fraction(rate)
    assert floor_rate(np.array(amounts, dtype=np.int64), exact).tolist() == [
        amount * exact.numerator // exact.denominator for amount in amounts
    ]


def year_of(amounts, who, days):
    terms = load_presets()["henan-2023"].terms
    return simulate(
        terms,
        {
            "usage_fee_fen": np.array(amounts),
            "entity_type": np.array(["enterprise"] * len(amounts)),
        },
        on=np.array(days, dtype="datetime64[D]"),
        enterprise=np.array(who),
    )


def test_cost_exhaustion_and_distribution_are_told():
    found = year_of(
        [300 * WAN, 500 * WAN, 500 * WAN],
        ["a", "a", "b"],
        ["2025-01-10", "2025-02-10", "2025-02-11"],
    )
    assert found.amount_fen.tolist() == [60 * WAN, 40 * WAN, 100 * WAN]
    assert found.cost_by_month() == {"2025-01": 60 * WAN, "2025-02": 140 * WAN}
    assert found.cost_fen == 200 * WAN
    assert found.exhausted_on(100 * WAN) == date(2025, 2, 11)
    assert found.exhausted_on(200 * WAN) is None
    assert found.by(np.array(["x", "y", "y"])) == {"x": 60 * WAN, "y": 140 * WAN}


def test_zhongwei_is_simulated_with_its_cliff():
    terms = load_presets()["zhongwei-platform-trade-1pct"].terms
    volumes = np.array([999_999_999, 1_000_000_000, 20_000_000_000, 30_000_000_000])
    found = simulate(
        terms,
        {"annual_trade_volume_fen": volumes},
        enterprise=np.arange(4),
        on=np.array(["2025-12-31"] * 4, dtype="datetime64[D]"),
    )
    assert found.amount_fen.tolist() == [0, 10_000_000, 200_000_000, 200_000_000]


@pytest.mark.parametrize(
    ("preset", "code"),
    [
        ("qinghai-investment-10pct", "incomplete_terms"),
        ("nanning-2025", "column_missing"),
        ("langfang-2023", "column_missing"),
        ("wuhan-opc-2026", "column_missing"),
    ],
)
def test_what_cannot_be_simulated_exactly_is_refused(preset, code):
    days = np.array(["2025-01-01"], dtype="datetime64[D]")
    with pytest.raises(RuleError) as caught:
        simulate(load_presets()[preset].terms, {}, on=days, enterprise=np.array([1]))
    assert caught.value.code == code


def test_a_cap_over_a_rolling_window_is_never_guessed():
    terms = Terms.load(
        document(
            rate_line(), caps=[{"id": "r", "amount_fen": 5, "per": "rolling_months", "months": 12}]
        )
    )
    with pytest.raises(RuleError, match="rolling"):
        simulate(
            terms,
            {"contract_amount_fen": np.array([100])},
            enterprise=np.array([1]),
            on=np.array(["2025-01-01"], dtype="datetime64[D]"),
        )


def open_presets():
    return sorted(key for key, each in load_presets().items() if each.terms and each.terms.complete)


@st.composite
def claims_of(draw, terms):
    """Columns of a few claims that touch the terms' clauses, on days about their windows."""
    sample = {
        name: value for name, value in sample_facts(terms).items() if not isinstance(value, list)
    }
    edges = sorted({cliff.at_fen for cliff in cliffs(terms)} | {10**6, 10**9})
    amounts = st.sampled_from(edges).flatmap(lambda at: st.integers(max(at - 1, 0), at + 1))
    amounts |= st.integers(0, 10**12)
    count = draw(st.integers(1, 8))
    columns = {}
    for name, value in sample.items():
        fact = CATALOGUE[name]
        others = {
            "fen": amounts,
            "bool": st.booleans(),
            "int": st.integers(0, 200),
            "choice": st.sampled_from([value, *(fact.choices or ())]),
            "date": st.dates(date(2023, 1, 1), date(2027, 12, 31)).map(str),
        }.get(fact.type, st.just(value))
        mostly = st.just(value) | others if name not in BASES else others
        columns[name] = np.array([draw(mostly) for _ in range(count)])
    first = sample_instant(terms, datetime(2025, 3, 1, 12, tzinfo=SHANGHAI)).date()
    days = [first + timedelta(days=draw(st.integers(-3, 700))) for _ in range(count)]
    who = [draw(st.integers(0, 2)) for _ in range(count)]
    return columns, np.array(days, dtype="datetime64[D]"), np.array(who)


@pytest.mark.parametrize("preset", open_presets())
def test_every_open_preset_is_simulated_as_it_is_decided(preset):
    terms = load_presets()[preset].terms
    engines = set()

    @settings(max_examples=15, deadline=None)
    @given(claims_of(terms))
    def holds(claims):
        columns, on, who = claims
        found, engine = simulate_claims(terms, columns, on=on, enterprise=who)
        expected = simulate_one_by_one(terms, columns, on=on, enterprise=who)
        assert found.decision.tolist() == expected.decision.tolist()
        assert found.amount_fen.tolist() == expected.amount_fen.tolist()
        engines.add(engine.name)

    holds()
    assert engines == {"one_by_one" if preset in NOT_VECTORISED else "vectorised"}


def test_more_claims_than_can_be_decided_one_by_one_are_refused_by_number():
    terms = load_presets()["hangzhou-interest"].terms
    count = MOST_CLAIMS + 1
    columns = {name: np.full(count, value) for name, value in sample_facts(terms).items()}
    with pytest.raises(RuleError) as caught:
        simulate_claims(
            terms,
            columns,
            on=np.full(count, np.datetime64("2025-01-01")),
            enterprise=np.arange(count),
        )
    assert caught.value.code == "too_many_claims"
