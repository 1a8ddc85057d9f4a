"""Each rule kind from its source's own numbers, and one fen to either side of its boundary."""

import pytest

from tests.vouchers.rules.sheets import WAN, YUAN, ask_preset, codes, shanghai

ENTERPRISE = {"entity_type": "enterprise"}


@pytest.mark.parametrize(
    ("volume_fen", "amount_fen", "decision"),
    [
        (1_000_000_000 - 1, 0, "refused"),  # 9,999,999.99 CNY
        (1_000_000_000, 10_000_000, "granted"),  # 10,000,000.00 → 100,000.00
        (1_000_000_000 + 1, 10_000_000, "granted"),
        (20_000_000_000 - 100, 199_999_999, "granted"),
        (20_000_000_000 - 1, 199_999_999, "granted"),
        (20_000_000_000, 200_000_000, "granted"),  # 200 million → 2,000,000.00
        (20_000_000_000 + 1, 200_000_000, "granted"),
        (900_000_000_000, 200_000_000, "granted"),
    ],
)
@pytest.mark.parametrize("preset", ["zhongwei-platform-trade-1pct", "zhongwei-2024"])
def test_zhongwei_pays_nothing_below_ten_million_and_one_percent_of_everything_above(
    preset, volume_fen, amount_fen, decision
):
    facts = {"annual_trade_volume_fen": volume_fen}
    if preset == "zhongwei-2024":
        facts["entity_type"] = "platform"
    answer = ask_preset(preset, **facts)
    assert (answer.amount_fen, answer.decision) == (amount_fen, decision)


def test_zhongwei_names_the_threshold_when_it_refuses():
    answer = ask_preset("zhongwei-platform-trade-1pct", annual_trade_volume_fen=999_999_999)
    assert codes(answer, "unmet") == {"threshold"}
    assert [one.clause for one in answer.unmet] == ["/benefit/lines/0/threshold_fen"]


NANNING = {
    "contract_starts_on": "2025-01-01",
    "contract_ends_on": "2026-12-31",
    "entity_type": "enterprise",
    "provider_affiliated": False,
    "provider_listed": True,
    "other_public_aid": False,
}


def test_the_official_nanning_example_comes_out_to_the_yuan():
    answer = ask_preset("nanning-2025", settled_fee_fen=200_000 * YUAN, **NANNING)
    steps = {step.name: step.value for step in answer.steps}
    assert (steps["days_in_period"], steps["days_of_contract"]) == (305, 729)
    assert steps["basis_in_period"] == 83_676 * YUAN
    assert answer.amount_fen == 25_102 * YUAN
    assert answer.decision == "granted"


@pytest.mark.parametrize(
    ("fee_fen", "amount_fen"),
    [
        (666_666_666, 199_999_900),
        (666_667_000, 200_000_000),
        (9_000_000_000, 200_000_000),
    ],
)
def test_nanning_stops_at_two_million_a_year(fee_fen, amount_fen):
    whole = NANNING | {"contract_starts_on": "2025-03-01", "contract_ends_on": "2025-12-31"}
    assert ask_preset("nanning-2025", settled_fee_fen=fee_fen, **whole).amount_fen == amount_fen


def test_nanning_refuses_an_affiliated_provider_and_one_not_on_the_list_at_once():
    facts = NANNING | {"provider_affiliated": True, "provider_listed": False}
    answer = ask_preset("nanning-2025", settled_fee_fen=200_000 * YUAN, **facts)
    assert answer.decision == "refused"
    assert answer.amount_fen == 0
    assert codes(answer, "unmet") == {"non_affiliated", "provider_listed"}


BEIJING = {
    "entity_type": "enterprise",
    "registered_adcode": "110108",
    "industry": "软件信息服务业",
    "contract_signed_on": "2025-02-01",
    "contract_starts_on": "2025-03-01",
    "contract_ends_on": "2026-02-28",
    "provider_affiliated": False,
    "other_public_aid": False,
    "contract_already_awarded": False,
}


@pytest.mark.parametrize(
    ("contract_fen", "amount_fen"),
    [
        (1_000 * WAN - 5, 200_000_000 - 1),
        (1_000 * WAN - 1, 200_000_000 - 1),
        (1_000 * WAN, 200_000_000),
        (1_000 * WAN + 1, 200_000_000),
        (5, 1),
        (9, 1),
    ],
)
def test_beijing_gives_at_most_twenty_percent_and_two_million_a_natural_year(
    contract_fen, amount_fen
):
    answer = ask_preset("beijing-2023", contract_amount_fen=contract_fen, **BEIJING)
    assert (answer.decision, answer.amount_fen) == ("granted", amount_fen)


def test_beijing_gives_nothing_for_less_than_five_fen():
    answer = ask_preset("beijing-2023", contract_amount_fen=4, **BEIJING)
    assert (answer.decision, answer.amount_fen) == ("refused", 0)
    assert codes(answer, "unmet") == {"nothing_due"}


def test_beijing_does_not_count_storage_and_langfang_does():
    items = [
        {"kind": "intelligent", "amount_fen": 100 * WAN},
        {"kind": "storage", "amount_fen": 50 * WAN},
    ]
    beijing = ask_preset("beijing-2023", contract_amount_fen=150 * WAN, items=items, **BEIJING)
    langfang = ask_preset(
        "langfang-2023",
        usage_fee_fen=150 * WAN,
        items=items,
        provider_adcode="131002",
        entity_type="enterprise",
    )
    assert beijing.amount_fen == 20 * WAN
    assert langfang.amount_fen == 75 * WAN


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"registered_adcode": "120101"}, "registered_in"),
        ({"entity_type": "university"}, "entity_type"),
        ({"industry": "农业"}, "industry"),
        ({"contract_signed_on": "2023-08-31"}, "contract_signed"),
        ({"contract_ends_on": "2026-03-02"}, "contract_months"),
        ({"provider_affiliated": True}, "non_affiliated"),
        ({"other_public_aid": True}, "no_other_public_aid"),
        ({"contract_already_awarded": True}, "same_contract_once"),
        ({"conditions_unmet": ["applicant-4"]}, "condition"),
    ],
)
def test_beijing_refuses_each_failing_clause_by_name(change, code):
    answer = ask_preset("beijing-2023", contract_amount_fen=100 * WAN, **(BEIJING | change))
    assert answer.decision == "refused"
    assert codes(answer, "unmet") == {code}


def test_beijing_admits_a_contract_signed_on_the_first_day():
    facts = BEIJING | {"contract_signed_on": "2023-09-01"}
    assert ask_preset("beijing-2023", contract_amount_fen=WAN, **facts).decision == "granted"


def test_langfang_takes_the_highest_of_what_applies():
    common = {"entity_type": "enterprise", "provider_adcode": "131002"}
    lump = {"settled_in_region": True}
    lead = {"project_grade": "national", "compute_cost_fen": 100 * WAN}
    assert ask_preset("langfang-2023", **common, **lump).amount_fen == 50 * WAN
    assert ask_preset("langfang-2023", **common, usage_fee_fen=100 * WAN).amount_fen == 50 * WAN
    assert ask_preset("langfang-2023", **common, **lead).amount_fen == 60 * WAN
    everything = ask_preset("langfang-2023", **common, **lump, **lead, usage_fee_fen=90 * WAN)
    assert everything.amount_fen == 60 * WAN
    steps = {step.name: step.value for step in everything.steps}
    assert steps["rate_of_basis"] == 60 * WAN
    assert steps["local_platform/rate_of_basis"] == 45 * WAN
    assert steps["settled/lump_sum"] == 50 * WAN


def test_a_line_whose_basis_is_not_given_is_not_claimed_and_says_so():
    answer = ask_preset(
        "langfang-2023",
        entity_type="enterprise",
        provider_adcode="131002",
        project_grade="national",
        usage_fee_fen=10 * WAN,
    )
    assert (answer.decision, answer.amount_fen) == ("granted", 5 * WAN)
    assert "line_not_considered" in codes(answer, "note")


@pytest.mark.parametrize(
    ("fee_fen", "amount_fen"),
    [
        (200 * WAN - 1, 100 * WAN - 1),
        (200 * WAN, 100 * WAN),
        (200 * WAN + 1, 100 * WAN),
    ],
)
def test_langfang_stops_at_one_million_a_year(fee_fen, amount_fen):
    answer = ask_preset(
        "langfang-2023", usage_fee_fen=fee_fen, entity_type="maker", provider_adcode="131000"
    )
    assert (answer.decision, answer.amount_fen) == ("granted", amount_fen)


@pytest.mark.parametrize(
    ("total_fen", "amount_fen"),
    [
        (50 * WAN - 1, 5 * WAN),
        (50 * WAN, 5 * WAN),
        (50 * WAN + 1, 2 * WAN),
    ],
)
def test_hangzhou_gives_half_to_a_small_company_up_to_500_000_declared_in_the_year(
    total_fen, amount_fen
):
    answer = ask_preset(
        "hangzhou-2025",
        contract_actual_amount_fen=10 * WAN,
        annual_contract_total_fen=total_fen,
        size="small",
        rate_bracket="low",
        use_type="training",
        **ENTERPRISE,
    )
    assert (answer.decision, answer.amount_fen) == ("granted", amount_fen)


@pytest.mark.parametrize(("origin", "amount_fen"), [("domestic", 30 * WAN), ("other", 20 * WAN)])
def test_hangzhou_2024_gave_more_for_domestic_hardware(origin, amount_fen):
    answer = ask_preset(
        "hangzhou-2024",
        contract_amount_fen=100 * WAN,
        hardware_origin=origin,
        use_type="training",
        **ENTERPRISE,
    )
    assert answer.amount_fen == amount_fen


@pytest.mark.parametrize(("preset", "least"), [("xiamen-2023", 30 * WAN), ("xiamen-2024", 5 * WAN)])
def test_xiamen_pays_half_from_the_minimum_spend_on(preset, least):
    below = ask_preset(preset, annual_spend_fen=least - 1, **ENTERPRISE)
    assert (below.decision, below.amount_fen) == ("refused", 0)
    assert codes(below, "unmet") == {"minimum_spend"}
    assert ask_preset(preset, annual_spend_fen=least, **ENTERPRISE).amount_fen == least // 2
    assert ask_preset(preset, annual_spend_fen=least + 1, **ENTERPRISE).amount_fen == least // 2


def test_qingyang_grants_no_voucher_below_five_thousand():
    at_least = 5_000 * YUAN
    exact = 1_666_667  # the smallest contract whose 30 % reach 5,000.00 CNY
    assert (
        ask_preset("qingyang-2024", contract_amount_fen=exact, **ENTERPRISE).amount_fen == at_least
    )
    below = ask_preset("qingyang-2024", contract_amount_fen=exact - 1, **ENTERPRISE)
    assert codes(below, "unmet") == {"minimum_award"}


@pytest.mark.parametrize(
    ("preset", "facts", "amount_fen"),
    [
        ("henan-2023", {"usage_fee_fen": 500 * WAN - 1}, 100 * WAN - 1),
        ("henan-2023", {"usage_fee_fen": 500 * WAN}, 100 * WAN),
        ("henan-2023", {"usage_fee_fen": 500 * WAN + 1}, 100 * WAN),
        ("wuhu-2025", {"usage_fee_fen": 8_000 * WAN - 1}, 2_000 * WAN - 1),
        ("wuhu-2025", {"usage_fee_fen": 8_000 * WAN + 1}, 2_000 * WAN),
        ("guizhou-hub-award-app", {"investment_fen": 2_000 * WAN - 1}, 200 * WAN - 1),
        ("guizhou-hub-award-app", {"investment_fen": 2_000 * WAN + 1}, 200 * WAN),
        ("ningxia-32-matching", {"national_grant_fen": 20_000 * WAN - 1}, 2_000 * WAN - 1),
        ("ningxia-32-matching", {"national_grant_fen": 20_000 * WAN + 1}, 2_000 * WAN),
        ("ningxia-32-settle", {"investment_fen": 1_500 * WAN - 1}, 300 * WAN - 1),
        ("ningxia-32-settle", {"investment_fen": 1_500 * WAN + 1}, 300 * WAN),
        ("langfang-build", {"investment_fen": 10_000 * WAN - 1}, 1_000 * WAN - 1),
        ("langfang-build", {"investment_fen": 10_000 * WAN + 1}, 1_000 * WAN),
        (
            "langfang-operate",
            {"operation_spend_fen": 1_500 * WAN - 1, "operation_year": 3},
            300 * WAN - 1,
        ),
        (
            "langfang-operate",
            {"operation_spend_fen": 1_500 * WAN + 1, "operation_year": 3},
            300 * WAN,
        ),
        ("guangming-platform", {"investment_fen": 20_000 * WAN - 1}, 1_000 * WAN - 1),
        ("guangming-platform", {"investment_fen": 20_000 * WAN + 1}, 1_000 * WAN),
        ("shenzhen-model-voucher", {"model_spend_fen": 666_666_666}, 199_999_999),
        ("shenzhen-model-voucher", {"model_spend_fen": 666_666_667}, 200_000_000),
        ("kunming-pue-1.25", {"pue": "1.25"}, 1_000 * WAN),
        (
            "hangzhou-interest",
            {
                "interest_paid_fen": 100 * WAN,
                "loan_annual_rate": "0.04",
                "project_investment_fen": 5_000 * WAN,
            },
            375_000 * YUAN,
        ),
        (
            "hangzhou-interest",
            {
                "interest_paid_fen": 100 * WAN,
                "loan_annual_rate": "0.03",
                "project_investment_fen": 5_000 * WAN,
            },
            50 * WAN,
        ),
        (
            "hangzhou-interest",
            {
                "interest_paid_fen": 2_000 * WAN - 1,
                "loan_annual_rate": "0.03",
                "project_investment_fen": 5_000 * WAN,
            },
            1_000 * WAN - 1,
        ),
        (
            "hangzhou-interest",
            {
                "interest_paid_fen": 2_000 * WAN + 2,
                "loan_annual_rate": "0.03",
                "project_investment_fen": 5_000 * WAN,
            },
            1_000 * WAN,
        ),
    ],
)
def test_a_rule_with_known_figures_pays_them_to_the_fen(preset, facts, amount_fen):
    if preset in ("henan-2023", "wuhu-2025"):
        facts = facts | ENTERPRISE
    answer = ask_preset(preset, **facts)
    assert (answer.decision, answer.amount_fen) == ("granted", amount_fen)


@pytest.mark.parametrize(
    ("preset", "facts"),
    [
        ("kunming-pue-1.25", {"pue": "1.2500001"}),
        ("langfang-operate", {"operation_spend_fen": WAN, "operation_year": 4}),
        (
            "hangzhou-interest",
            {
                "interest_paid_fen": WAN,
                "loan_annual_rate": "0.03",
                "project_investment_fen": 5_000 * WAN - 1,
            },
        ),
        ("anhui-build-match", {"municipal_grant_fen": WAN, "compute_p": "399.999"}),
        ("zhongwei-green-dc", {"green_share": "0.5", "pue": "1.2"}),
        ("zhongwei-green-dc", {"green_share": "0.4999", "pue": "1.1"}),
        ("xiamen-100p", {"investment_fen": WAN, "compute_p": "99"}),
        ("guizhou-hub-product-top10", {"rank": 11}),
        ("qingyang-scale", {"compute_p_fp16": "2499.9", "also_applies_as_supplier": False}),
    ],
)
def test_a_gate_refuses_just_beyond_its_bound(preset, facts):
    answer = ask_preset(preset, shanghai(2024, 6, 1), **facts)
    assert (answer.decision, answer.amount_fen) == ("refused", 0)
    assert codes(answer, "unmet") & {"gate", "rank"}


@pytest.mark.parametrize(
    ("preset", "facts", "amount_fen"),
    [
        ("qinghai-investment-10pct", {"investment_fen": 1_000 * WAN}, 100 * WAN),
        ("qinghai-hainan-20pct", {"investment_fen": 1_000 * WAN}, 200 * WAN),
        ("shanghai-build-10pct", {"investment_fen": 1_000 * WAN}, 100 * WAN),
        (
            "anhui-build-match",
            {"municipal_grant_fen": 1_000 * WAN, "compute_p": "400"},
            333_333_333,
        ),
        ("shanghai-2025", {"rent_fen": 100 * WAN}, 30 * WAN),
        ("shanghai-2025", {"rent_fen": 100 * WAN, "funding_level": "city_and_district"}, 100 * WAN),
        ("guizhou-2026", {"order_amount_fen": 100 * WAN, "compute_kind": "corpus"}, 30 * WAN),
        (
            "anhui-2023",
            {
                "platform_metered_usage_fen": 100 * WAN,
                "registered_adcode": "340100",
                "entity_type": "university",
            },
            20 * WAN,
        ),
        ("shandong-2025", {"contract_amount_fen": 100 * WAN, "entity_type": "enterprise"}, 5 * WAN),
        (
            "zhangzhou-2025",
            {"contract_amount_fen": 400 * WAN + 2, "entity_type": "enterprise"},
            200 * WAN,
        ),
        ("neimenggu-platform-settlement", {"settlement_amount_fen": 100 * WAN}, None),
        ("guizhou-hub-product-top10", {"rank": 10}, None),
        ("guizhou-edge-case-by-case", {}, None),
        ("wulanchabu-support", {"green_energy_kwh": "1"}, None),
        ("zhongwei-green-dc", {"green_share": "0.5", "pue": "1.1999"}, None),
        (
            "karamay-green-power",
            {"green_energy_kwh": "100.5", "commissioned_year": 2024, "energy_year": 2026},
            None,
        ),
    ],
)
def test_an_unknown_parameter_leaves_the_answer_incomplete(preset, facts, amount_fen):
    answer = ask_preset(preset, shanghai(2024, 6, 1), **facts)
    assert (answer.decision, answer.amount_fen) == ("incomplete", amount_fen)
    assert "unknown" in {reason.status for reason in answer.reasons}


def test_wuhan_gives_card_hours_in_kind_beside_the_money():
    answer = ask_preset(
        "wuhan-opc-2026", usage_fee_fen=40 * WAN + 1, entity_type="one_person_company"
    )
    assert (answer.decision, answer.amount_fen) == ("granted", 20 * WAN)
    assert [(one.quantity, one.unit, one.at_least) for one in answer.in_kind] == [
        ("2000", "card_hour", True)
    ]


def test_the_guide_of_shenzhen_2026_is_open_on_its_last_day_and_shut_the_day_after():
    facts = {
        "contract_amount_fen": 100 * WAN,
        "annual_non_affiliated_rent_fen": 50 * WAN,
        "entity_type": "enterprise",
        "registered_adcode": "440300",
        "company_age_months": 11,
        "provider_affiliated": False,
        "provider_listed": True,
        "other_public_aid": False,
        "also_applies_as_supplier": False,
    }
    last = ask_preset("shenzhen-2026-guide", shanghai(2026, 6, 5, 23, 59, 59), **facts)
    after = ask_preset("shenzhen-2026-guide", shanghai(2026, 6, 6), **facts)
    older = ask_preset(
        "shenzhen-2026-guide", shanghai(2026, 6, 5), **(facts | {"company_age_months": 12})
    )
    assert (last.decision, last.amount_fen) == ("granted", 60 * WAN)
    assert codes(after, "unmet") == {"application_window"}
    assert older.amount_fen == 50 * WAN
