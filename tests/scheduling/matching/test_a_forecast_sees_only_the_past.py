"""Forecasters: what they may read, what they promise, what they refuse."""

import numpy as np
import pytest

from scheduling.matching import Job, Market, Pool, plan
from scheduling.matching.forecast import Persistence, SeasonalRidge
from scheduling.matching.forecast_carbon import carbon_error_kg, forecast_carbon


def hourly(days: int, seed: int = 0) -> np.ndarray:
    """A daily wave on weather that comes and goes within a day or two, g/kWh."""
    rng = np.random.default_rng(seed)
    hour = np.arange(days * 24)
    weather = np.zeros(len(hour))
    for k in range(1, len(hour)):
        weather[k] = 0.95 * weather[k - 1] + rng.normal(0, 10)
    return np.asarray(300 + weather + 80 * np.sin(hour / 24 * 2 * np.pi))


def test_persistence_repeats_the_day_before_and_tells_its_error() -> None:
    past = hourly(20)
    told = Persistence()(past, 30)
    assert told.mean.tolist() == [*past[-24:], *past[-24:-18]]
    assert (told.error > 0).all()


def test_the_ridge_beats_persistence_on_hours_it_never_saw() -> None:
    series = hourly(140)
    model = SeasonalRidge(24).fit(series[: 24 * 100])
    ridge = baseline = 0.0
    for now in range(24 * 101, 24 * 138, 7):
        real = series[now : now + 24]
        ridge += float(np.mean((model.at(series[:now], 24, now).mean - real) ** 2))
        baseline += float(np.mean((Persistence()(series[:now], 24).mean - real) ** 2))
    assert ridge < baseline * 0.8
    assert model.error[0] < model.error[-1]


def test_hours_to_come_do_not_change_a_forecast() -> None:
    series = hourly(60)
    model = SeasonalRidge(12).fit(series[: 24 * 40])
    now = 24 * 50
    other = series.copy()
    other[now:] = 9999
    assert (model.at(series[:now], 12, now).mean == model.at(other[:now], 12, now).mean).all()


@pytest.mark.parametrize("wrong", ["short", "gap", "far"])
def test_a_forecast_without_its_ground_is_refused(wrong: str) -> None:
    series = hourly(60)
    model = SeasonalRidge(12).fit(series)
    if wrong == "gap":
        series[-3] = np.nan
    past = series[:100] if wrong == "short" else series
    with pytest.raises(ValueError, match=r"past are needed|gap|fitted for"):
        model.at(past, 13 if wrong == "far" else 12, 0)


def test_a_plan_on_a_forecast_tells_by_how_much_its_carbon_may_be_off() -> None:
    past = hourly(20) / 1000
    carbon = forecast_carbon({"110000": past}, Persistence(), 24, {"110000": "measured"})
    pool = Pool("p", "A", "110101", 8, 100, 0.5, 1.2, green_share=0.25)
    market = Market([pool], [Job("j", 4, 6, 0, 24, 500)], carbon)
    made = plan(market, carbon_price_fen_per_kg=10.0, hours=24)
    a, b = made.placements[0].segments[0]
    error = carbon.error_kg_per_kwh["110000"]
    by_hand = 4 * 0.5 * 1.2 * 0.75 * float(error[a:b].sum())
    assert carbon_error_kg(market, made) == pytest.approx(by_hand)
    assert carbon.quality["110000"] == "measured"
    flat = Market([pool], market.jobs, type(carbon)(carbon.kg_per_kwh))
    assert carbon_error_kg(flat, plan(flat, hours=24)) is None
