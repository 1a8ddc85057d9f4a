"""Deduct at order: the voucher pays its share, the enterprise the rest."""

import pytest

from tests.vouchers.rules.sheets import AT, WAN, codes
from vouchers.presets import load_presets
from vouchers.rules import Usage, voucher_part

LANGFANG = load_presets()["langfang-2023"].terms
FACTS = {"provider_adcode": "131002", "settled_in_region": False, "project_grade": "none"}


def part(order_fen: int, available_fen: int = 100 * WAN, used: Usage | None = None, **facts):
    return voucher_part(
        LANGFANG,
        order_fen,
        voucher_available_fen=available_fen,
        at=AT,
        used=used,
        facts=FACTS | facts,
    )


def test_half_of_the_order_is_paid_under_langfang():
    found = part(10 * WAN)
    assert (found.decision, found.amount_fen, found.own_part_fen) == ("granted", 5 * WAN, 5 * WAN)
    assert {step.name: step.value for step in found.steps}["voucher_part"] == 5 * WAN


def test_a_lump_sum_fills_the_voucher_but_does_not_pay_an_order_whole():
    assert part(10 * WAN, settled_in_region=True).amount_fen == 5 * WAN


def test_an_odd_fen_is_paid_by_the_enterprise():
    found = part(101)
    assert (found.amount_fen, found.own_part_fen) == (50, 51)


def test_a_voucher_pays_no_more_than_it_holds():
    assert part(10 * WAN, available_fen=5 * WAN - 1).amount_fen == 5 * WAN - 1


def test_what_was_redeemed_this_year_leaves_less_room():
    used = Usage.in_year(2025, redeemed_fen=99 * WAN)
    assert part(10 * WAN, used=used).amount_fen == WAN


@pytest.mark.parametrize("adcode", ["110108", "130100"])
def test_a_provider_outside_langfang_is_paid_by_the_enterprise_alone(adcode):
    found = part(10 * WAN, provider_adcode=adcode)
    assert (found.decision, found.amount_fen, found.own_part_fen) == ("refused", 0, 10 * WAN)
    assert codes(found, "unmet") == {"provider_registered_in"}


def test_an_unknown_provider_is_not_taken_for_a_local_one():
    found = voucher_part(LANGFANG, WAN, voucher_available_fen=WAN, at=AT, facts={})
    assert (found.decision, found.amount_fen) == ("incomplete", 0)


def test_network_is_not_what_the_voucher_is_for():
    assert part(WAN, compute_kind="network").decision == "refused"
    assert part(WAN, compute_kind="storage").decision == "granted"


def test_the_facts_of_the_application_may_hold_more_than_the_policy_uses():
    assert part(10 * WAN, registered_adcode="131000", pue="1.2").amount_fen == 5 * WAN


def test_a_major_project_gets_sixty_percent():
    assert part(10 * WAN, project_grade="national").amount_fen == 6 * WAN


def test_a_negative_order_is_no_order():
    with pytest.raises(ValueError, match="negative"):
        part(-1)
