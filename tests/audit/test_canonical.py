"""One way to write a fact down, whoever writes it."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as some

from audit.canonical import canonical_json


def test_keys_are_sorted_and_chinese_stays_readable():
    assert canonical_json({"b": 1, "a": "算券"}) == '{"a":"算券","b":1}'


def test_amounts_quantities_and_times_have_one_form():
    at = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
    assert canonical_json([1, Decimal("1.50"), at]) == '[1,"1.50","2026-03-02T02:00:00+00:00"]'


@pytest.mark.parametrize("value", [1.5, {"x": [0.1]}, datetime(2026, 3, 2)])
def test_what_has_no_one_form_is_refused(value):
    with pytest.raises(TypeError):
        canonical_json(value)


plain = some.recursive(
    some.none() | some.booleans() | some.integers() | some.text(),
    lambda inner: some.lists(inner) | some.dictionaries(some.text(), inner),
    max_leaves=20,
)


@given(some.dictionaries(some.text(), plain))
def test_the_order_of_keys_makes_no_difference(fact):
    turned = dict(reversed(fact.items()))
    assert canonical_json(fact) == canonical_json(turned)
