"""What holds whatever the figures: order, ceilings, growth, replay."""

import copy
from datetime import date
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.vouchers.rules.sheets import AT, ask, document, rate_line
from vouchers.presets import load_presets, sample_facts
from vouchers.rules import (
    ReplayDiffers,
    Terms,
    Usage,
    UsageEntry,
    canonical_json,
    evaluate,
    replay,
    voucher_part,
)
from vouchers.rules.allocate import Request, pro_rata
from vouchers.rules.co_funding import split_by_ratio
from vouchers.rules.face_value import split_into_denominations
from vouchers.rules.uses import bases_used

FEN = st.integers(0, 10**13)
RATES = st.sampled_from(["0", "0.05", "0.2", "1/3", "0.5", "0.6", "1"])
CHECK = settings(max_examples=60, deadline=None)

LINES = st.lists(
    st.builds(
        lambda rate, cap, startup: {
            "mechanic": "rate",
            "basis": "contract_amount_fen",
            "rate": rate,
            **({} if cap is None else {"cap_fen": cap + 1}),
            **({} if startup is None else {"when": {"startup": startup}}),
        },
        RATES,
        st.none() | FEN,
        st.sampled_from([None, True, False]),
    ),
    min_size=1,
    max_size=5,
)
CAPS = st.lists(
    st.builds(
        lambda amount, per: {"amount_fen": amount, "per": per},
        FEN,
        st.sampled_from(["application", "contract", "natural_year", "lifetime"]),
    ),
    max_size=4,
)
USED = st.lists(
    st.builds(
        UsageEntry,
        on=st.dates(date(2024, 1, 1), date(2025, 12, 31)),
        amount_fen=FEN,
        stage=st.sampled_from(["applied", "redeemed"]),
        contract_ref=st.sampled_from([None, "A", "B"]),
    ),
    max_size=5,
).map(lambda entries: Usage(tuple(entries)))


def numbered(rows):
    return [{"id": f"n{index}", **row} for index, row in enumerate(rows)]


@CHECK
@given(
    LINES, CAPS, USED, FEN, st.sampled_from(["max_of", "sum_of"]), st.randoms(use_true_random=False)
)
def test_the_order_of_lines_caps_and_past_use_never_changes_an_amount(
    lines, caps, used, basis, how, random
):
    lines, caps = numbered(lines), numbered(caps)
    facts = {"contract_amount_fen": basis, "startup": True, "contract_ref": "A"}
    straight = ask(document(*lines, combine=how, caps=caps), used, **facts)
    mixed = ask(
        document(
            *random.sample(lines, len(lines)), combine=how, caps=random.sample(caps, len(caps))
        ),
        Usage(tuple(random.sample(used.entries, len(used.entries)))),
        **facts,
    )
    assert (straight.amount_fen, straight.decision) == (mixed.amount_fen, mixed.decision)


@CHECK
@given(LINES, CAPS, USED, FEN, st.sampled_from(["max_of", "sum_of", "first_that_applies"]))
def test_no_combination_exceeds_any_cap_however_much_was_used_before(lines, caps, used, basis, how):
    lines, caps = numbered(lines), numbered(caps)
    doc = document(*lines, combine=how, caps=caps)
    answer = ask(doc, used, contract_amount_fen=basis, startup=True, contract_ref="A")
    given_before = {
        "application": 0,
        "contract": sum(one.amount_fen for one in used.entries if one.contract_ref == "A"),
        "natural_year": sum(one.amount_fen for one in used.entries if one.on.year == 2025),
        "lifetime": sum(one.amount_fen for one in used.entries),
    }
    for cap in caps:
        assert answer.amount_fen == 0 or (
            answer.amount_fen + given_before[cap["per"]] <= cap["amount_fen"]
        )


@CHECK
@given(LINES, CAPS, st.lists(FEN, min_size=2, max_size=6), st.sampled_from(["max_of", "sum_of"]))
def test_more_spend_never_earns_less(lines, caps, spends, how):
    doc = document(*numbered(lines), combine=how, caps=numbered(caps))
    earned = [
        ask(doc, contract_amount_fen=spend, startup=False).amount_fen for spend in sorted(spends)
    ]
    assert all(less <= more for less, more in pairwise(earned))


OPEN = sorted(one.id for one in load_presets().values() if one.state == "complete")
CLIFFS = {"hangzhou-2025": "annual_contract_total_fen"}  # the fact whose growth loses the SME line


@pytest.mark.parametrize("preset_id", OPEN)
@settings(max_examples=10, deadline=None)
@given(spends=st.lists(FEN, min_size=2, max_size=4))
def test_more_spend_never_earns_less_under_any_complete_preset(preset_id, spends):
    terms = load_presets()[preset_id].terms
    facts = sample_facts(terms)
    earned = [
        evaluate(terms, facts | dict.fromkeys(bases_used(terms.document), spend), at=AT).amount_fen
        for spend in sorted(spends)
    ]
    assert all(less <= more for less, more in pairwise(earned))


def test_the_one_declared_cliff_downward_is_where_the_terms_say():
    terms = load_presets()["hangzhou-2025"].terms
    facts = {
        "contract_actual_amount_fen": 10**7,
        "size": "small",
        "rate_bracket": "low",
        "use_type": "training",
        "entity_type": "enterprise",
    }
    below, above = (
        evaluate(terms, facts | {"annual_contract_total_fen": total}, at=AT).amount_fen
        for total in (50_000_000, 50_000_001)
    )
    assert (below, above) == (5_000_000, 2_000_000)


@pytest.mark.parametrize("preset_id", sorted(one.id for one in load_presets().values() if one.pays))
def test_a_replay_gives_the_same_bytes_and_the_same_digest(preset_id):
    terms = load_presets()[preset_id].terms
    answer = evaluate(
        terms, sample_facts(terms), at=AT, used=Usage.in_year(2025, applied_fen=7), preset=preset_id
    )
    again = replay(answer.as_dict(), Terms.load(copy.deepcopy(dict(terms.document))))
    assert again.canonical_json() == answer.canonical_json()
    assert again.digest == answer.digest


@CHECK
@given(LINES, CAPS, USED, FEN)
def test_any_answer_can_be_replayed_from_its_record(lines, caps, used, basis):
    terms = Terms.load(document(*numbered(lines), combine="max_of", caps=numbered(caps)))
    answer = evaluate(terms, {"contract_amount_fen": basis}, at=AT, used=used)
    assert replay(answer.as_dict(), terms).digest == answer.digest


def test_a_record_that_was_touched_does_not_replay():
    terms = Terms.load(document(rate_line()))
    record = evaluate(terms, {"contract_amount_fen": 100}, at=AT).as_dict()
    with pytest.raises(ReplayDiffers, match="differs"):
        replay(record | {"amount_fen": 21}, terms)
    with pytest.raises(ReplayDiffers, match="not the terms"):
        replay(record, Terms.load(document(rate_line("0.3"))))


def test_an_answer_holds_no_float():
    terms = load_presets()["nanning-2025"].terms
    canonical_json(evaluate(terms, sample_facts(terms), at=AT).as_dict())
    with pytest.raises(TypeError, match="floats"):
        canonical_json({"amount": 0.1})


@CHECK
@given(
    FEN,
    FEN,
    RATES,
    st.none() | FEN,
    st.integers(0, 10**12),
    st.sampled_from([True, False]),
)
def test_voucher_and_own_part_always_make_the_order(order, available, rate, cap, used, listed):
    caps = [] if cap is None else [{"id": "c", "amount_fen": cap, "per": "natural_year"}]
    terms = Terms.load(document(rate_line(rate), caps=caps, providers={"listed": True}))
    part = voucher_part(
        terms,
        order,
        voucher_available_fen=available,
        at=AT,
        used=Usage.in_year(2025, redeemed_fen=used),
        facts={"provider_listed": listed},
    )
    assert part.amount_fen + part.own_part_fen == order
    assert 0 <= part.amount_fen <= min(order, available)
    assert listed or part.amount_fen == 0
    if cap is not None and part.amount_fen:
        assert used + part.amount_fen <= cap


@CHECK
@given(st.lists(st.integers(0, 10**9), max_size=8), st.integers(0, 10**9))
def test_pro_rata_hands_out_the_whole_budget_and_nobody_more_than_asked(amounts, budget):
    asked = [Request(str(index), amount) for index, amount in enumerate(amounts)]
    shares = pro_rata(asked, budget)
    assert sum(shares.values()) == min(budget, sum(amounts))
    assert all(shares[one.id] <= one.amount_fen for one in asked)
    assert pro_rata(asked[::-1], budget) == shares


@CHECK
@given(FEN, st.lists(st.integers(0, 9), min_size=1, max_size=5).filter(any))
def test_co_funded_parts_always_sum(amount, ratio):
    assert sum(split_by_ratio(amount, ratio)) == amount


@CHECK
@given(st.integers(0, 400), st.lists(st.integers(1, 30), min_size=1, max_size=4))
def test_denominations_reach_what_trying_every_sum_reaches(amount, coins):
    reachable = {0}
    for total in range(1, amount + 1):
        if any(total - coin in reachable for coin in coins):
            reachable.add(total)
    counts = split_into_denominations(amount, coins)
    assert sum(coin * count for coin, count in counts.items()) == max(reachable)
