"""Ceilings count what was used by the civil day in Shanghai, each fen once."""

from datetime import date

import pytest

from tests.vouchers.rules.sheets import WAN, ask, codes, document, rate_line, shanghai, year_cap
from vouchers.rules import Usage, UsageEntry

DOC = document(rate_line("0.5"), caps=[year_cap(100 * WAN)])


def entry(day: date, amount_fen: int, stage: str = "applied", **more) -> UsageEntry:
    return UsageEntry(day, amount_fen, stage, **more)


def test_applied_plus_redeemed_count_against_the_natural_year():
    used = Usage.in_year(2025, applied_fen=30 * WAN, redeemed_fen=20 * WAN)
    answer = ask(DOC, used=used, contract_amount_fen=400 * WAN)
    assert answer.amount_fen == 50 * WAN
    assert {step.name: step.value for step in answer.steps}["used_year"] == 50 * WAN


def test_a_cap_may_count_only_what_was_redeemed():
    doc = document(rate_line("0.5"), caps=[year_cap(100 * WAN, counts=["redeemed"])])
    used = Usage.in_year(2025, applied_fen=30 * WAN, redeemed_fen=20 * WAN)
    assert ask(doc, used=used, contract_amount_fen=400 * WAN).amount_fen == 80 * WAN


@pytest.mark.parametrize(
    ("room_left", "decision", "amount_fen"), [(1, "granted", 1), (0, "refused", 0)]
)
def test_the_last_fen_of_room_is_given_and_then_the_cap_refuses(room_left, decision, amount_fen):
    used = Usage.in_year(2025, applied_fen=100 * WAN - room_left)
    answer = ask(DOC, used=used, contract_amount_fen=400 * WAN)
    assert (answer.decision, answer.amount_fen) == (decision, amount_fen)
    assert ("cap_room" in codes(answer, "unmet")) is (decision == "refused")


def test_the_year_turns_at_midnight_in_shanghai():
    used = Usage((entry(date(2025, 12, 31), 100 * WAN),))
    last = ask(DOC, used=used, at=shanghai(2025, 12, 31, 23, 59, 59), contract_amount_fen=10 * WAN)
    first = ask(DOC, used=used, at=shanghai(2026, 1, 1, 0, 0, 0), contract_amount_fen=10 * WAN)
    assert (last.amount_fen, first.amount_fen) == (0, 5 * WAN)


def test_the_year_is_that_of_shanghai_even_when_the_instant_is_told_in_utc():
    from datetime import UTC, datetime

    used = Usage((entry(date(2025, 12, 31), 100 * WAN),))
    at = datetime(2025, 12, 31, 16, 0, tzinfo=UTC)  # 2026-01-01 00:00 in Shanghai
    assert ask(DOC, used=used, at=at, contract_amount_fen=10 * WAN).amount_fen == 5 * WAN


def test_a_rolling_window_forgets_what_is_older_than_its_months():
    doc = document(
        rate_line("0.5"),
        caps=[{"id": "roll", "amount_fen": 100 * WAN, "per": "rolling_months", "months": 12}],
    )
    used = Usage((entry(date(2024, 6, 1), 40 * WAN), entry(date(2024, 6, 2), 30 * WAN)))
    assert ask(doc, used=used, contract_amount_fen=400 * WAN).amount_fen == 70 * WAN


def test_a_contract_cap_counts_only_that_contract():
    doc = document(rate_line("0.5"), caps=[{"id": "c", "amount_fen": 100 * WAN, "per": "contract"}])
    used = Usage(
        (
            entry(date(2025, 1, 1), 60 * WAN, contract_ref="A"),
            entry(date(2025, 1, 1), 90 * WAN, contract_ref="B"),
        )
    )
    assert (
        ask(doc, used=used, contract_amount_fen=400 * WAN, contract_ref="A").amount_fen == 40 * WAN
    )
    assert (
        ask(doc, used=used, contract_amount_fen=400 * WAN, contract_ref="C").amount_fen == 100 * WAN
    )


def test_an_application_cap_forgets_everything_and_a_lifetime_cap_nothing():
    used = Usage((entry(date(2001, 1, 1), 99 * WAN),))
    each = document(
        rate_line("0.5"), caps=[{"id": "c", "amount_fen": 100 * WAN, "per": "application"}]
    )
    ever = document(
        rate_line("0.5"), caps=[{"id": "c", "amount_fen": 100 * WAN, "per": "lifetime"}]
    )
    assert ask(each, used=used, contract_amount_fen=400 * WAN).amount_fen == 100 * WAN
    assert ask(ever, used=used, contract_amount_fen=400 * WAN).amount_fen == 1 * WAN


def test_a_control_group_shares_one_cap_through_the_entries_of_its_companies():
    used = Usage(
        (entry(date(2025, 2, 1), 70 * WAN, uscc="sister"), entry(date(2025, 3, 1), 20 * WAN))
    )
    assert ask(DOC, used=used, contract_amount_fen=400 * WAN).amount_fen == 10 * WAN


def test_the_lowest_of_several_caps_counts_whatever_their_order():
    caps = [
        year_cap(30 * WAN),
        {"id": "c", "amount_fen": 20 * WAN, "per": "contract"},
        {"id": "l", "amount_fen": 90 * WAN, "per": "lifetime"},
    ]
    for order in (caps, caps[::-1]):
        doc = document(rate_line("0.5", cap_fen=40 * WAN), caps=order)
        assert ask(doc, contract_amount_fen=400 * WAN).amount_fen == 20 * WAN


def test_a_line_stops_at_its_own_ceiling():
    doc = document(rate_line("0.5", cap_fen=40 * WAN))
    assert ask(doc, contract_amount_fen=80 * WAN - 2).amount_fen == 40 * WAN - 1
    assert ask(doc, contract_amount_fen=80 * WAN + 2).amount_fen == 40 * WAN


def test_a_cap_whose_figure_is_unknown_is_never_read_as_no_cap():
    answer = ask(document(rate_line("0.5"), caps=[year_cap(None)]), contract_amount_fen=WAN)
    assert (answer.decision, answer.amount_fen) == ("incomplete", WAN // 2)
    assert codes(answer, "unknown") == {"parameter_unknown"}


def test_all_public_money_together_stays_under_the_total_aid_ceiling():
    doc = document(rate_line("0.5"), stacking={"total_aid_rate": "0.6"})
    free = ask(doc, contract_amount_fen=100 * WAN, other_aid_fen=10 * WAN)
    held = ask(doc, contract_amount_fen=100 * WAN, other_aid_fen=10 * WAN + 1)
    full = ask(doc, contract_amount_fen=100 * WAN, other_aid_fen=60 * WAN)
    assert (free.amount_fen, held.amount_fen) == (50 * WAN, 50 * WAN - 1)
    assert codes(full, "unmet") == {"total_aid_room"}
    assert ask(doc, contract_amount_fen=100 * WAN).decision == "incomplete"
