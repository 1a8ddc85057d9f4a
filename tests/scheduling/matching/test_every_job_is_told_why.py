"""explain and suggest_migrations."""

from dataclasses import replace

import pytest

from scheduling.matching import (
    CarbonSeries,
    Job,
    Market,
    MarketError,
    Pool,
    explain,
    plan,
    suggest_migrations,
)

from .random_markets import HOURS, random_market

CHEAP = Pool("cheap", "A", "150000", 2, 100, 1.0, 1.2, green_tier=3)
DEAR = Pool("dear", "A", "310000", 4, 180, 1.0, 1.3)
CARBON = CarbonSeries({"150000": 0.6, "310000": 0.6})


def job(name: str, **kw: object) -> Job:
    base: dict[str, object] = {
        "units": 2, "duration_hours": 2, "earliest_hour": 0, "deadline_hour": 2,
        "max_price_fen_per_unit_hour": 400,
    }  # fmt: skip
    return Job(name, **{**base, **kw})  # type: ignore[arg-type]


def test_a_job_pushed_to_a_dearer_pool_learns_that_capacity_bound_it() -> None:
    market = Market(
        [CHEAP, DEAR], [job("vip", regions=frozenset({"150000"})), job("other")], CARBON
    )
    result = plan(market, carbon_price_fen_per_kg=5, hours=4)
    story = explain(market, result, "other")
    assert story.chosen is not None
    assert story.chosen.pool_id == "dear"
    assert story.bound_by == "capacity"
    assert story.rejected[0].pool_id == "cheap"
    assert story.rejected[0].lost_because == "capacity"
    assert story.rejected[0].price_delta_fen == -(180 - 100) * 4
    assert "cheap" in story.text_en
    assert "次优" in story.text_zh


def test_a_job_left_out_learns_the_least_price_that_would_place_it() -> None:
    market = Market([CHEAP], [job("poor", max_price_fen_per_unit_hour=90)], CARBON)
    result = plan(market, carbon_price_fen_per_kg=5, hours=2)
    story = explain(market, result, "poor")
    assert story.reason == "price"
    assert story.would_change is not None
    limit = int(story.would_change["to"])
    richer = Market([CHEAP], [job("poor", max_price_fen_per_unit_hour=limit)], CARBON)
    assert plan(richer, carbon_price_fen_per_kg=5, hours=2).placements
    short = Market([CHEAP], [job("poor", max_price_fen_per_unit_hour=limit - 1)], CARBON)
    assert not plan(short, carbon_price_fen_per_kg=5, hours=2).placements


def test_a_job_left_out_for_its_rating_learns_the_tier_that_would_do() -> None:
    market = Market([DEAR, CHEAP], [job("green", min_green_tier=5)], CARBON)
    result = plan(market, hours=4)
    change = explain(market, result, "green").would_change
    assert change is not None
    assert (change["field"], change["from"], change["to"]) == ("min_green_tier", "5", "3")


@pytest.mark.parametrize("seed", range(30))
def test_what_would_change_it_really_would(seed: int) -> None:
    market = random_market(seed, pots=False)
    result = plan(market, carbon_price_fen_per_kg=5, hours=HOURS, effort="quick")
    for left in result.unplaced[:6]:
        story = explain(market, result, left.job_id)
        change = story.would_change
        assert story.text_zh
        if change and change["field"] in ("deadline_hour", "max_price_fen_per_unit_hour", "units"):
            old = next(j for j in market.jobs if j.job_id == left.job_id)
            loose = replace(old, **{change["field"]: int(change["to"])})
            from scheduling.matching import open_state, place_incremental

            state = open_state(market, result)
            assert place_incremental(state, [loose]).placements, (left, change)
    for placed in result.placements[:6]:
        story = explain(market, result, placed.job_id)
        assert story.chosen == placed
        assert len(story.rejected) <= 3


def test_an_unknown_job_is_refused() -> None:
    market = Market([CHEAP], [], CARBON)
    with pytest.raises(MarketError) as caught:
        explain(market, plan(market, hours=4), "ghost")
    assert caught.value.code == "unknown_job"


def test_an_interruptible_job_moves_to_where_power_turned_green() -> None:
    tall = job("train", interruptible=True, duration_hours=4, deadline_hour=12)
    market = Market([CHEAP, DEAR], [tall], CARBON)
    result = plan(market, carbon_price_fen_per_kg=50, hours=12)
    assert result.placements[0].pool_id == "cheap"
    at = result.placements[0].segments[0][0] + 1
    green = replace(
        market,
        pools=[replace(CHEAP, price_fen_per_unit_hour=200), replace(DEAR, green_share=1.0)],
    )
    moves = suggest_migrations(green, result, at_hour=at)
    assert [m.after.pool_id for m in moves] == ["dear"]
    assert moves[0].kgco2_saved > 0
    assert sum(b - a for a, b in moves[0].before.segments) == 3
    assert all(a >= at for a, _ in moves[0].after.segments)
    assert suggest_migrations(green, result, at_hour=at, move_cost_fen=10**6) == []
