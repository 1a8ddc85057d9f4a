"""Netting sums to zero, and the order of entries never changes it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vouchers.rules.netting import net

A, B = 1, 2
entries = st.lists(
    st.tuples(st.sampled_from([(A, B), (B, A)]), st.integers(1, 2**53 - 1)).map(
        lambda row: (*row[0], row[1])
    ),
    max_size=40,
)


@given(entries, st.randoms(use_true_random=False))
def test_what_one_gets_the_other_pays_whatever_the_order(rows, chance) -> None:
    result = net(rows, one=A, other=B)
    flows = {A: 0, B: 0}
    for debtor, creditor, amount_fen in rows:
        flows[debtor] -= amount_fen
        flows[creditor] += amount_fen
    assert flows[A] + flows[B] == 0
    assert result.other_pays_fen - result.one_pays_fen == flows[A]
    assert 0 in (result.one_pays_fen, result.other_pays_fen)
    assert result.one_pays_fen + result.netted_fen == result.one_owes_fen
    shuffled = list(rows)
    chance.shuffle(shuffled)
    assert net(shuffled, one=A, other=B) == result
    assert net(rows, one=B, other=A).one_owes_fen == result.other_owes_fen


@pytest.mark.parametrize("row", [(A, B, 0), (A, B, -1), (A, A, 5), (A, 3, 5)])
def test_an_entry_is_a_positive_amount_between_the_two(row) -> None:
    with pytest.raises(ValueError, match="between the two"):
        net([row], one=A, other=B)
