"""A gathered basis lists every exclusion, adds up, and replays byte for byte."""

import json
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vouchers.rules.award_basis import SETTLED, TRADED, Basis, Trade, replay_basis, weigh

PLATFORM, BUYER, SELLER = "platform", "buyer", "seller"
DAY = date(2025, 5, 1)
KNOWN = datetime(2026, 1, 2, tzinfo=UTC)


def trade(order: int = 1, total_fen: int = 1000, **changed: object) -> Trade:
    return Trade(
        **{"order": order, "on": DAY, "buyer": BUYER, "seller": SELLER} | changed,
        total_fen=total_fen,
    )  # type: ignore[arg-type]


def weighed(*trades: Trade, fact: str = TRADED) -> Basis:
    return weigh(
        trades,
        fact=fact,
        beneficiary=PLATFORM,
        period_start=date(2025, 1, 1),
        period_end=date(2026, 1, 1),
        known_at=KNOWN,
    )


@pytest.mark.parametrize(
    ("changed", "reason", "amount_fen"),
    [
        ({"cancelled": True}, "cancelled", 1000),
        ({"buyer": SELLER}, "self_dealing", 1000),
        ({"buyer": PLATFORM}, "self_dealing", 1000),
        ({"ties": ("buyer-seller:control_group",)}, "related_party", 1000),
        ({"refunded_fen": 300}, "refunded", 300),
        ({"refunded_fen": 300, "ties": ("buyer-seller:affiliation",)}, "related_party", 1000),
        ({"cancelled": True, "buyer": SELLER}, "cancelled", 1000),
    ],
)
def test_each_exclusion_is_a_row_with_its_reason_and_amount(
    changed: dict[str, object], reason: str, amount_fen: int
) -> None:
    basis = weighed(trade(1, **changed), trade(2, 50))
    (row,) = basis.document["exclusions"]
    assert (row["order"], row["reason"], row["amount_fen"]) == (1, reason, amount_fen)
    assert row["text_en"]
    assert row["text_zh"]
    assert basis.basis_fen == 1050 - amount_fen


def test_a_settlement_amount_counts_only_what_was_paid() -> None:
    basis = weighed(trade(settled_fen=600, refunded_fen=100), fact=SETTLED)
    assert [(row["reason"], row["amount_fen"]) for row in basis.document["exclusions"]] == [
        ("refunded", 100),
        ("not_settled", 300),
    ]
    assert basis.facts == {SETTLED: 600}


def test_a_basis_the_books_do_not_tell_is_refused() -> None:
    with pytest.raises(ValueError, match="investment_fen"):
        weighed(fact="investment_fen")


def test_a_row_changed_by_one_fen_gives_other_bytes() -> None:
    one, other = weighed(trade()), weighed(trade(total_fen=1001))
    assert one.digest != other.digest


@st.composite
def traded(draw: st.DrawFn) -> Trade:
    total_fen = draw(st.integers(0, 10**12))
    return Trade(
        order=draw(st.integers(1, 10_000)),
        on=DAY,
        buyer=draw(st.sampled_from([BUYER, SELLER, PLATFORM])),
        seller=draw(st.sampled_from([SELLER, PLATFORM])),
        total_fen=total_fen,
        refunded_fen=draw(st.integers(0, total_fen)),
        settled_fen=draw(st.integers(0, total_fen)),
        cancelled=draw(st.booleans()),
        ties=draw(st.sampled_from([(), ("buyer-seller:succession",)])),
    )


trades = st.lists(traded(), unique_by=lambda row: row.order, max_size=12)


@given(trades, st.randoms(use_true_random=False), st.sampled_from([TRADED, SETTLED]))
def test_sums_hold_and_neither_order_nor_replay_changes_a_byte(rows, chance, fact) -> None:
    basis = weighed(*rows, fact=fact)
    document = basis.document
    assert document["gross_fen"] == document["excluded_fen"] + document["basis_fen"]
    assert 0 <= basis.basis_fen <= document["gross_fen"]
    shuffled = list(rows)
    chance.shuffle(shuffled)
    assert weighed(*shuffled, fact=fact).text == basis.text
    assert replay_basis(json.loads(basis.text)).text == basis.text
