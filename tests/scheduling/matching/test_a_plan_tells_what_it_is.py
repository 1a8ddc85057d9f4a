"""First plan, price of fairness, and the refusals that come before anything is planned."""

from dataclasses import replace

import numpy as np
import pytest

from scheduling.matching import CarbonSeries, Job, Market, MarketError, Plan, Pool, plan, verify
from scheduling.matching.plan import admit_size

from .random_markets import HOURS, random_market


def pool(**change: object) -> Pool:
    return replace(Pool("p", "A", "110000", 4, 100, 0.5, 1.2), **change)


def job(key: str, limit: int, **change: object) -> Job:
    return replace(Job(key, 4, 6, 0, 6, limit), **change)


def test_the_first_plan_is_sound_and_its_proof_only_gets_better() -> None:
    for seed in range(12):
        market = random_market(seed)
        seen: list[Plan] = []
        last = plan(market, hours=HOURS, effort="quick", first=seen.append)
        assert len(seen) == 1
        assert verify(market, seen[0]) == []
        assert seen[0].placements == last.placements
        assert seen[0].certificate.bound_fen >= last.certificate.bound_fen


def test_a_fairness_floor_tells_what_it_costs() -> None:
    jobs = [job("rich", 500), job("small firm", 300, group="sme")]
    free = plan(Market([pool()], jobs), hours=6)
    fair = plan(Market([pool()], jobs, fairness_floors={"sme": 1.0}), hours=6)
    assert [p.job_id for p in free.placements] == ["rich"]
    assert free.price_of_fairness_fen is None
    assert [p.job_id for p in fair.placements] == ["small firm"]
    assert fair.price_of_fairness_fen == pytest.approx(200 * 4 * 6)


def test_a_pool_without_carbon_data_is_refused_by_row_and_field() -> None:
    market = Market([pool(), pool(pool_id="q", region="999999")], [], CarbonSeries({"110000": 0.5}))
    with pytest.raises(MarketError) as refusal:
        plan(market, carbon_price_fen_per_kg=10.0, hours=6)
    assert (refusal.value.code, refusal.value.row, refusal.value.field) == (
        "no_carbon_data", 1, "region",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("market", "code"),
    [
        (Market([], [job("j", 1)]), "no_pool"),
        (Market([pool(), pool()], []), "duplicate_id"),
        (Market([pool(units=0)], []), "out_of_range"),
        (Market([pool(units=-3)], []), "out_of_range"),
        (Market([pool(pue=float("nan"))], []), "out_of_range"),
        (Market([pool(pue=0.9)], []), "out_of_range"),
        (Market([pool(price_fen_per_unit_hour=-1)], []), "out_of_range"),
        (Market([pool(green_share=float("nan"))], []), "out_of_range"),
        (Market([pool()], [job("j", 1), job("j", 1)]), "duplicate_id"),
        (Market([pool()], [job("j", 1, units=0)]), "out_of_range"),
        (Market([pool()], [job("j", 1, deadline_hour=5)]), "deadline_too_early"),
        (Market([pool()], [job("j", 1, voucher_rate=1.0)]), "rate_out_of_range"),
        (Market([pool()], [job("j", 1, voucher_rate=float("nan"))]), "not_a_number"),
        (Market([pool()], [job("j", 1, max_pue=float("nan"))]), "not_a_number"),
    ],
)
def test_bad_input_is_refused_in_two_languages(market: Market, code: str) -> None:
    with pytest.raises(MarketError) as refusal:
        plan(market, hours=6)
    assert refusal.value.code == code
    assert refusal.value.text_en
    assert refusal.value.text_zh


def test_an_unknown_kind_or_region_leaves_the_job_out_with_its_reason() -> None:
    jobs = [
        job("k", 500, kinds=frozenset(["Z"])),
        job("r", 500, regions=frozenset(["440000"])),
    ]
    left = plan(Market([pool()], jobs), hours=6).unplaced
    assert [(u.job_id, u.reason) for u in left] == [("k", "kind"), ("r", "region")]


def test_a_market_too_large_for_memory_says_so_before_it_starts() -> None:
    with pytest.raises(MarketError) as refusal:
        admit_size(50_000_000, 5000, 168)
    assert refusal.value.code == "too_large"
    admit_size(1_000_000, 5000, 168)


def test_a_job_longer_than_any_table_runs_its_whole_length() -> None:
    long = Job("long", 2, 100, 5, 168, 500)
    made = plan(Market([pool(price_fen_per_unit_hour=np.arange(168))], [long]), hours=168)
    assert made.placements[0].segments == ((5, 105),)
