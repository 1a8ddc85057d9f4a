"""Forecasts of an hourly series (grid carbon, direct green share) with their error, one interface.

    Forecaster(past, ahead) -> Forecast        past [H] hours up to now, ahead hours wanted

``past`` alone is read: a forecaster never sees the hour it forecasts. ``error`` is the root mean
square error at each lead, measured on hours the forecaster was not fitted on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

DAY = 24
WEEK = 168
LEAST_PAST = 15 * DAY


@dataclass(frozen=True)
class Forecast:
    """mean[ahead] and error[ahead], in the unit of the series; error NaN = not known."""

    mean: NDArray[np.float64]
    error: NDArray[np.float64]


class Forecaster(Protocol):
    name: str

    def __call__(self, past: NDArray[np.float64], ahead: int) -> Forecast: ...


class Persistence:
    """The same hour of the day before (the baseline any other has to beat)."""

    name = "persistence"

    def __call__(self, past: NDArray[np.float64], ahead: int) -> Forecast:
        _admit(past, ahead)
        mean = np.resize(past[-DAY:], ahead)
        weeks = past[-LEAST_PAST:]
        wrong = float(np.sqrt(np.mean((weeks[DAY:] - weeks[:-DAY]) ** 2)))
        return Forecast(mean, np.full(ahead, wrong))


class SeasonalRidge:
    """One linear model per lead, fitted by ridge regression on what came before.

    Reads the last week hour by hour, the mean day of two weeks as seen from now, and the hour of
    the day. ``fit`` takes a history; its last quarter is held back to measure the error, then the
    model is fitted on all of it.
    """

    name = "seasonal ridge"

    def __init__(self, hours_ahead: int = 30, strength: float = 3000.0) -> None:
        self.hours_ahead, self.strength = hours_ahead, strength
        self.weights: NDArray[np.float64] | None = None
        self.error = np.full(hours_ahead, np.nan)

    def fit(self, history: NDArray[np.float64], first_hour: int = 0) -> SeasonalRidge:
        """history[k] is hour (first_hour + k) of the day, modulo 24."""
        _admit(history, self.hours_ahead)
        now = np.arange(LEAST_PAST, len(history) - self.hours_ahead)
        if len(now) < WEEK:
            raise ValueError("a week of hours beyond the first fifteen days is needed to fit")
        seen = np.array([features(history[:t], first_hour + int(t)) for t in now])
        level = history[now - 1]
        asked = np.array([history[t : t + self.hours_ahead] for t in now]) - level[:, None]
        held = len(now) * 3 // 4
        trial = self._solve(seen[:held], asked[:held])
        miss = seen[held + self.hours_ahead :] @ trial - asked[held + self.hours_ahead :]
        self.error = np.sqrt(np.mean(miss**2, axis=0))
        self.weights = self._solve(seen, asked)
        return self

    def _solve(self, seen: NDArray[np.float64], asked: NDArray[np.float64]) -> NDArray[np.float64]:
        gram = seen.T @ seen
        gram[np.diag_indices_from(gram)] += self.strength * np.trace(gram) / len(gram) * 1e-4
        return np.asarray(np.linalg.solve(gram, seen.T @ asked))

    def at(self, past: NDArray[np.float64], ahead: int, hour: int) -> Forecast:
        """``hour``: of the first hour forecast, in the count ``fit`` used."""
        if self.weights is None:
            raise ValueError("fit the forecaster first")
        if ahead > self.hours_ahead:
            raise ValueError(f"fitted for {self.hours_ahead} hours ahead, asked for {ahead}")
        _admit(past, ahead)
        mean = past[-1] + features(past, hour) @ self.weights[:, :ahead]
        return Forecast(np.maximum(mean, 0.0), self.error[:ahead])

    def __call__(self, past: NDArray[np.float64], ahead: int) -> Forecast:
        """As ``at`` where ``past`` starts at the hour the fitted history started at."""
        return self.at(past, ahead, len(past))


def features(past: NDArray[np.float64], hour: int) -> NDArray[np.float64]:
    """What is known now: the last week less the present level, the mean day to come, the hour."""
    level = past[-1]
    days = past[-14 * DAY :].reshape(14, DAY)
    marks = np.zeros(DAY)
    marks[hour % DAY] = level if level else 1.0
    return np.concatenate([past[-WEEK:-1] - level, days.mean(axis=0) - level, marks])


def _admit(past: NDArray[np.float64], ahead: int) -> None:
    if len(past) < LEAST_PAST:
        raise ValueError(f"{LEAST_PAST} hours of the past are needed, got {len(past)}")
    if not np.isfinite(past[-LEAST_PAST:]).all():
        raise ValueError("the series has a gap in its last fifteen days")
    if ahead < 1:
        raise ValueError("ask for at least one hour ahead")
