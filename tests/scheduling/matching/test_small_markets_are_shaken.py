"""Ruin and recreate on small markets: never oversells, never loses, same seed same plan."""

import pytest

from scheduling.matching import plan, verify
from scheduling.matching.shake import SHAKE_JOBS

from .random_markets import HOURS, random_market


def test_shaking_keeps_every_rule_and_the_same_seed_gives_the_same_plan() -> None:
    for seed in range(40):
        market = random_market(seed)
        once = plan(market, hours=HOURS, seed=seed, effort="std")
        assert verify(market, once) == [], seed
        again = plan(market, hours=HOURS, seed=seed, effort="std")
        assert once.certificate.to_json() == again.certificate.to_json()


@pytest.mark.slow
def test_shaking_never_loses_and_now_and_then_gains(monkeypatch: pytest.MonkeyPatch) -> None:
    markets = [random_market(seed, pots=False) for seed in range(60)]
    shaken = [plan(m, hours=HOURS, effort="std").certificate.objective_fen for m in markets]
    assert SHAKE_JOBS > 0
    monkeypatch.setattr("scheduling.matching.solve.SHAKE_JOBS", 0)
    still = [plan(m, hours=HOURS, effort="std").certificate.objective_fen for m in markets]
    assert all(a >= b - 1e-3 for a, b in zip(shaken, still, strict=True))
    assert any(a > b + 1 for a, b in zip(shaken, still, strict=True))
