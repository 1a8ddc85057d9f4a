"""place_incremental: live capacity, reasons, release, outage."""

import numpy as np
import pytest

from scheduling.matching import (
    Job,
    Market,
    MarketError,
    Pool,
    open_state,
    place_incremental,
    plan,
    verify,
)
from scheduling.matching.result import Plan

from .random_markets import HOURS, random_market

POOL = Pool("p", "A", "110000", 4, 100, 1.0, 1.2)


def job(name: str, **kw: object) -> Job:
    base: dict[str, object] = {
        "units": 2, "duration_hours": 3, "earliest_hour": 0, "deadline_hour": 6,
        "max_price_fen_per_unit_hour": 200,
    }  # fmt: skip
    return Job(name, **{**base, **kw})  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", range(40))
def test_a_plan_and_the_jobs_added_to_it_never_oversell(seed: int) -> None:
    market = random_market(seed, pots=False)
    half = len(market.jobs) // 2
    early = Market(market.pools, list(market.jobs)[:half], market.carbon)
    first = plan(early, carbon_price_fen_per_kg=5, hours=HOURS, effort="quick")
    state = open_state(early, first)
    added = place_incremental(state, list(market.jobs)[half:])
    assert len(added.placements) + len(added.unplaced) == len(market.jobs) - half
    assert (state.residual >= 0).all()
    combined = _joined(market, first, added.placements, added.unplaced)
    wrong = [v for v in verify(market, combined) if v.code not in ("bound", "objective")]
    assert wrong == []


def _joined(market: Market, first: Plan, placements: list, unplaced: list) -> Plan:  # type: ignore[type-arg]
    from dataclasses import replace

    whole = replace(first)
    whole.__dict__["placements"] = first.placements + placements
    whole.__dict__["unplaced"] = first.unplaced + unplaced
    return whole


def test_capacity_given_back_is_offered_again_at_once() -> None:
    state = open_state(Market([POOL], []), hours=3)
    one = place_incremental(state, [job("a", units=4)]).placements[0]
    assert place_incremental(state, [job("b", units=4)]).unplaced[0].reason == "capacity"
    state.release(one)
    assert place_incremental(state, [job("c", units=4)]).placements[0].pool_id == "p"


def test_a_placement_cannot_be_given_back_twice() -> None:
    state = open_state(Market([POOL], []), hours=3)
    one = place_incremental(state, [job("a")]).placements[0]
    state.release(one)
    with pytest.raises(MarketError):
        state.release(one)


def test_nothing_new_lands_in_an_outage() -> None:
    state = open_state(Market([POOL], []), hours=6)
    state.close("p", 0, 3)
    assert place_incremental(state, [job("a")]).placements[0].segments == ((3, 6),)
    assert place_incremental(state, [job("b", deadline_hour=5)]).unplaced[0].reason == "window"


def test_live_occupation_comes_in_with_the_pools() -> None:
    busy = Pool("p", "A", "110000", 4, 100, 1.0, 1.2, occupied=[4, 4, 4, 0, 0, 0])
    state = open_state(Market([busy], []), hours=6)
    assert place_incremental(state, [job("a")]).placements[0].segments == ((3, 6),)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"kinds": frozenset({"B"})}, "kind"),
        ({"regions": frozenset({"310000"})}, "region"),
        ({"labels": frozenset({"edge"})}, "label"),
        ({"min_green_tier": 1}, "rating"),
        ({"max_pue": 1.1}, "pue"),
        ({"units": 5}, "size"),
        ({"deadline_hour": 99, "earliest_hour": 90}, "horizon"),
        ({"max_price_fen_per_unit_hour": 50}, "price"),
    ],
)
def test_a_job_left_out_is_told_why(change: dict[str, object], reason: str) -> None:
    state = open_state(Market([POOL], []), hours=24)
    assert place_incremental(state, [job("a", **change)]).unplaced[0].reason == reason
    batch = plan(Market([POOL], [job("a", **change)]), hours=24, effort="quick")
    assert batch.unplaced[0].reason == reason


def test_a_voucher_pot_is_never_overdrawn_by_new_jobs() -> None:
    market = Market([POOL], [], voucher_pots_fen={"pot": 400})
    state = open_state(market, hours=24)
    wanted = [job(f"j{k}", voucher_rate=0.5, voucher_pot="pot", deadline_hour=24) for k in range(4)]
    placed = place_incremental(state, wanted).placements
    assert sum(p.voucher_fen for p in placed) <= 400
    assert len(placed) == 4
    assert np.array_equal(sorted({p.voucher_fen for p in placed}), [0, 300])
