"""Property: on any small market the plan breaks no rule, stays under its bound, and repeats."""

import os

import pytest

from scheduling.matching import plan, verify

from .random_markets import HOURS, random_market

pytestmark = pytest.mark.slow


def check(seed: int) -> None:
    market = random_market(seed)
    price = [0.0, 5.0, 40.0][seed % 3]
    first = plan(market, carbon_price_fen_per_kg=price, hours=HOURS, seed=seed, effort="quick")
    again = plan(market, carbon_price_fen_per_kg=price, hours=HOURS, seed=seed, effort="quick")
    breaches = verify(market, first)
    assert breaches == [], (seed, breaches)
    assert first.certificate.objective_fen <= first.certificate.bound_fen + 1e-6
    assert 0 <= first.certificate.gap <= 1
    assert first.placements == again.placements
    assert first.unplaced == again.unplaced
    assert first.certificate.to_json() == again.certificate.to_json()


# 300 markets in every run; HYPOTHESIS_PROFILE=nightly takes the ten thousand.
MARKETS = 10_000 if os.environ.get("HYPOTHESIS_PROFILE") == "nightly" else 300
BLOCKS = 10


@pytest.mark.parametrize("block", range(BLOCKS))
def test_a_random_small_market_gets_a_sound_bounded_and_repeatable_plan(block: int) -> None:
    for seed in range(block * MARKETS // BLOCKS, (block + 1) * MARKETS // BLOCKS):
        check(seed)
