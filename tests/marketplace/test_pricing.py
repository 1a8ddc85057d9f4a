"""What usage costs and who pays: to the fen, whatever the figures."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from ledger.money import floor_share, split_pro_rata, yuan_text
from marketplace.pricing import split_charge, usage_price_fen

fen = st.integers(0, 2**50)


def test_a_product_is_rounded_half_up_once():
    assert usage_price_fen(Decimal("0.5"), 1) == 1
    assert usage_price_fen(Decimal("0.499999"), 1) == 0
    assert usage_price_fen(Decimal("10.25"), 778) == 7975


@given(fen, fen, fen)
def test_a_charge_is_split_whole_and_never_beyond_the_quote(total, quoted, voucher):
    voucher = min(voucher, quoted)
    split = split_charge(total, quoted_total_fen=quoted, quoted_voucher_fen=voucher)
    assert split.voucher_fen + split.own_fen == total
    assert 0 <= split.voucher_fen <= min(total, voucher)


@given(fen, st.lists(st.integers(0, 1000), min_size=1).filter(any))
def test_parts_always_sum_and_differ_from_fair_by_less_than_a_fen(amount, weights):
    parts = split_pro_rata(amount, weights)
    assert sum(parts) == amount
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part * sum(weights) - amount * weight) < sum(weights)


def test_public_money_never_rounds_up():
    assert floor_share(999, Decimal("0.1")) == 99


def test_people_read_yuan():
    assert (yuan_text(-123456789), yuan_text(5)) == ("-1,234,567.89", "0.05")
