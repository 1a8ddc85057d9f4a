"""What the source does not say is supplied with its own source, and nothing else is touched."""

import pytest

from tests.vouchers.rules.sheets import AT, WAN, document, rate_line, shanghai
from vouchers.presets import load_presets
from vouchers.rules import (
    RuleError,
    Supplied,
    Terms,
    TermsError,
    evaluate,
    supply,
    voucher_period,
)

QINGHAI = load_presets()["qinghai-investment-10pct"].terms
GUIDE = "实施细则, 2025-01-01"


def test_a_supplied_cap_makes_the_terms_complete_and_is_kept_with_its_source():
    before = QINGHAI.digest
    cap = Supplied("/caps/0/amount_fen", 500 * WAN, GUIDE)
    terms = supply(QINGHAI, [cap, Supplied("/caps/0/per", "application", GUIDE)])
    assert terms.complete
    assert terms.document["supplied"][0] == {"pointer": "/caps/0/amount_fen", "source": GUIDE}
    assert terms.digest != before == QINGHAI.digest
    found = evaluate(terms, {"investment_fen": 10_000 * WAN}, at=AT)
    assert (found.decision, found.amount_fen) == ("granted", 500 * WAN)


def test_a_cap_without_its_period_is_still_missing_something():
    terms = supply(QINGHAI, [Supplied("/caps/0/amount_fen", 500 * WAN, GUIDE)])
    assert [one.pointer for one in terms.missing] == ["/caps/0/per"]


@pytest.mark.parametrize(
    ("one", "code"),
    [
        (Supplied("/caps/0/amount_fen", 1, " "), "source_needed"),
        (Supplied("/benefit/lines/0/rate", "0.9", GUIDE), "already_stated"),
        (Supplied("/caps/7/amount_fen", 1, GUIDE), "no_such_parameter"),
        (Supplied("/budget/annual_fen", 1, GUIDE), "no_such_parameter"),
    ],
)
def test_only_what_is_unknown_is_supplied_and_only_with_a_source(one, code):
    with pytest.raises(RuleError) as caught:
        supply(QINGHAI, [one])
    assert caught.value.code == code


def test_a_value_that_does_not_fit_is_refused_with_its_pointer():
    with pytest.raises(TermsError) as caught:
        supply(QINGHAI, [Supplied("/caps/0/amount_fen", "5 million", GUIDE)])
    assert caught.value.problems[0].pointer == "/caps/0/amount_fen"


def test_a_voucher_of_twelve_months_dies_at_midnight_a_year_later():
    terms = Terms.load(document(rate_line(), windows={"voucher_months": 12}))
    issued = shanghai(2025, 3, 15, 10)
    assert voucher_period(terms, issued_at=issued) == (issued, shanghai(2026, 3, 15))


def test_what_is_unspent_lapses_when_the_year_ends_in_shanghai():
    terms = Terms.load(
        document(rate_line(), windows={"voucher_months": 12, "year_end_lapse": True})
    )
    _, ends = voucher_period(terms, issued_at=shanghai(2025, 12, 31, 23, 59, 59))
    assert ends == shanghai(2026, 1, 1)


def test_a_month_too_short_ends_the_voucher_on_its_last_day():
    terms = Terms.load(document(rate_line(), windows={"voucher_months": 1}))
    assert voucher_period(terms, issued_at=shanghai(2025, 1, 31))[1] == shanghai(2025, 2, 28)


def test_terms_that_set_no_end_say_so():
    terms = Terms.load(document(rate_line(), windows={"voucher_months": None}))
    assert voucher_period(terms, issued_at=AT)[1] is None


GATE = [{"metric": "green_share", "op": ">=", "value": "0.8"}]
KARAMAY = {"green_energy_kwh": "1000.5", "commissioned_year": 2024, "energy_year": 2026}
RUNS = [
    ("guizhou-hub-product-top10", {"/benefit/lines/0/split": "equal"}, {"rank": 10}, 50 * WAN),
    ("guizhou-hub-product-top10", {"/benefit/lines/0/split": "equal"}, {"rank": 11}, 0),
    (
        "karamay-green-power",
        {"/benefit/lines/0/gates": GATE, "/benefit/lines/1/gates": GATE},
        KARAMAY | {"green_share": "0.8"},
        6_003,
    ),
    (
        "karamay-green-power",
        {"/benefit/lines/0/gates": GATE, "/benefit/lines/1/gates": GATE},
        KARAMAY | {"green_share": "0.7999"},
        0,
    ),
    (
        "karamay-green-power",
        {"/benefit/lines/0/gates": GATE, "/benefit/lines/1/gates": GATE},
        KARAMAY | {"green_share": "0.8", "commissioned_year": 2025},
        5_002,
    ),
    (
        "karamay-green-power",
        {"/benefit/lines/0/gates": GATE, "/benefit/lines/1/gates": GATE},
        KARAMAY | {"green_share": "0.8", "energy_year": 2027},
        0,
    ),
    (
        "neimenggu-platform-settlement",
        {"/benefit/lines/0/rate": "0.01", "/caps/0/amount_fen": 7, "/caps/0/per": "natural_year"},
        {"settlement_amount_fen": 699},
        6,
    ),
    (
        "neimenggu-platform-settlement",
        {"/benefit/lines/0/rate": "0.01", "/caps/0/amount_fen": 7, "/caps/0/per": "natural_year"},
        {"settlement_amount_fen": 801},
        7,
    ),
    (
        "zhongwei-green-dc",
        {"/benefit/lines/0/amount_fen": 5},
        {"green_share": "0.5", "pue": "1.19"},
        5,
    ),
    ("wulanchabu-support", {"/benefit/lines/0/fen_per_kwh": "1.5"}, {"green_energy_kwh": "3"}, 4),
]


@pytest.mark.parametrize(("preset", "values", "facts", "amount_fen"), RUNS)
def test_a_rule_runs_once_its_open_parameter_is_supplied(preset, values, facts, amount_fen):
    made_up = "a value made up for this test"
    terms = supply(
        load_presets()[preset].terms,
        [Supplied(pointer, value, made_up) for pointer, value in values.items()],
    )
    found = evaluate(terms, facts, at=AT)
    assert (found.amount_fen, found.decision) == (
        amount_fen,
        "granted" if amount_fen else "refused",
    )
