"""Ask before applying: how much, why, and what would change it."""

from tests.vouchers.rules.sheets import AT, WAN
from vouchers.presets import load_presets
from vouchers.rules import entitlement
from vouchers.rules.entitlement import best_of

ME = {
    "entity_type": "enterprise",
    "registered_adcode": "110108",
    "industry": "制造业",
    "size": "small",
    "contract_amount_fen": 100 * WAN,
    "contract_signed_on": "2025-02-01",
    "contract_starts_on": "2025-03-01",
    "contract_ends_on": "2026-02-28",
    "provider_affiliated": False,
    "other_public_aid": False,
    "contract_already_awarded": False,
}


def asked(preset: str, **facts):
    return entitlement(load_presets()[preset].terms, ME | facts, at=AT, preset=preset)


def test_one_file_of_facts_serves_every_programme():
    assert (
        asked("beijing-2023", annual_trade_volume_fen=5, pue="1.2").evaluation.amount_fen
        == 20 * WAN
    )


def test_every_obstacle_is_named_with_its_clause():
    found = asked("beijing-2023", registered_adcode="310000", provider_affiliated=True)
    assert found.evaluation.decision == "refused"
    assert [change.clause for change in found.would_change] == [
        "/applicants/registered_in",
        "/providers/non_affiliated",
    ]


def test_a_choice_that_would_give_more_is_shown_with_its_amount():
    found = asked("hangzhou-2024", hardware_origin="other", use_type="training")
    assert found.evaluation.amount_fen == 20 * WAN
    better = {(change.fact, change.value): change.amount_fen for change in found.would_change}
    assert better[("hardware_origin", "domestic")] == 30 * WAN
    assert better[("use_type", "registered_model")] == 30 * WAN


def test_nothing_would_change_what_is_already_the_best():
    assert asked("beijing-2023").would_change == ()


def test_the_best_legal_combination_over_all_programmes_excludes_what_refuses_other_money():
    presets = load_presets()
    found = best_of(
        {
            name: presets[name].terms
            for name in ("beijing-2023", "shandong-2025", "henan-2023", "hangzhou-2024")
        },
        ME | {"usage_fee_fen": 100 * WAN, "hardware_origin": "domestic"},
        at=AT,
    )
    # Beijing refuses other public money, so Henan's 20 % and Hangzhou's 30 % beat it together.
    assert found.combination.best.amounts == (("hangzhou-2024", 30 * WAN), ("henan-2023", 20 * WAN))
    assert found.combination.runner_up is not None
    assert found.combination.runner_up.amounts == (("beijing-2023", 20 * WAN),)
    assert found.entitlements["shandong-2025"].evaluation.decision == "incomplete"
