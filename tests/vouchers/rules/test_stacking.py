"""The best legal combination is exact, explained, and comes with its runner-up."""

from fractions import Fraction
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vouchers.rules import Offer, best_combination
from vouchers.rules.stacking import in_conflict, total_of


def offer(name: str, amount: int, basis: int = 1000, **more) -> Offer:
    return Offer(name, amount, basis, **more)


def test_compatible_offers_are_all_taken():
    found = best_combination([offer("a", 100), offer("b", 200)])
    assert found.best.amounts == (("a", 100), ("b", 200))
    assert found.runner_up is None


def test_an_exclusion_picks_the_better_side_and_shows_the_other():
    found = best_combination(
        [
            offer("city", 300),
            offer("district", 200),
            offer("province", 250, excludes=frozenset({"city", "district"})),
        ]
    )
    assert found.best.ids == {"city", "district"}
    assert found.best.total_fen == 500
    assert found.runner_up is not None
    assert found.runner_up.ids == {"province"}
    assert set(found.conflicts) == {("city", "province"), ("province", "district")}


def test_one_that_refuses_other_public_money_stands_alone():
    found = best_combination([offer("a", 300, alone=True), offer("b", 200), offer("c", 150)])
    assert found.best.ids == {"b", "c"}
    assert found.runner_up is not None
    assert found.runner_up.ids == {"a"}


def test_a_ceiling_cuts_what_is_counted_last():
    ceiling = {"total_aid_rate": Fraction(1, 2)}
    found = best_combination([offer("a", 400, after=frozenset({"b"})), offer("b", 300, **ceiling)])
    assert found.best.amounts == (("b", 300), ("a", 200))
    assert found.best.total_fen == 500


def test_public_money_never_exceeds_the_cost():
    assert best_combination([offer("a", 700), offer("b", 700)]).best.total_fen == 1000


def test_a_ceiling_that_costs_more_than_its_programme_gives_is_left_out():
    found = best_combination([offer("a", 600), offer("b", 10, total_aid_rate=Fraction(1, 10))])
    assert found.best.ids == {"a"}


def test_a_cycle_of_order_is_refused():
    with pytest.raises(ValueError, match="cycle"):
        best_combination(
            [offer("a", 1, after=frozenset({"b"})), offer("b", 1, after=frozenset({"a"}))]
        )


NAMES = "abcdefg"
OFFERS = st.lists(
    st.builds(
        Offer,
        id=st.sampled_from(NAMES),
        amount_fen=st.integers(0, 500),
        basis_fen=st.just(1000),
        excludes=st.frozensets(st.sampled_from(NAMES), max_size=2),
        alone=st.booleans(),
        total_aid_rate=st.sampled_from([None, None, Fraction(1, 2), Fraction(1, 5)]),
    ),
    max_size=7,
    unique_by=lambda one: one.id,
)


def by_trying_everything(offers):
    legal = [
        chosen
        for size in range(len(offers) + 1)
        for chosen in combinations(offers, size)
        if not any(in_conflict(one, other) for one, other in combinations(chosen, 2))
    ]
    return max(total_of(chosen) for chosen in legal)


@settings(max_examples=100, deadline=None)
@given(OFFERS)
def test_the_search_finds_what_trying_everything_finds(offers):
    found = best_combination(offers)
    best = by_trying_everything(offers)
    assert found.best.total_fen == best
    assert sum(amount for _, amount in found.best.amounts) == best
    taken = {one.id: one for one in offers if one.id in found.best.ids}
    assert not any(in_conflict(one, other) for one, other in combinations(taken.values(), 2))
    assert all(amount <= taken[name].amount_fen for name, amount in found.best.amounts)
    if found.runner_up is not None:
        assert found.runner_up.total_fen <= best
        assert not found.runner_up.ids <= found.best.ids
        rivals = [one for one in offers if one.id in found.runner_up.ids]
        assert not any(in_conflict(one, other) for one, other in combinations(rivals, 2))


@settings(max_examples=50, deadline=None)
@given(OFFERS, st.randoms(use_true_random=False))
def test_the_order_of_offers_never_changes_the_answer(offers, random):
    shuffled = random.sample(offers, len(offers))
    assert best_combination(offers) == best_combination(shuffled)


def test_twenty_five_programmes_are_solved_at_once():
    offers = [
        offer(
            f"p{index:02}",
            100 + index,
            basis=10**6,
            excludes=frozenset({f"p{(index + 1) % 25:02}"}),
        )
        for index in range(25)
    ]
    assert best_combination(offers).best.total_fen == sum(100 + index for index in range(2, 25, 2))
