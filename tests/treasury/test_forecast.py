"""When a budget will be used up: said with its interval, and not said when it is not known."""

import random
from datetime import date, timedelta

import pytest

from treasury.forecast import HORIZON_WEEKS, forecast_exhaustion

TODAY = date(2026, 6, 1)


def test_a_steady_use_ends_on_its_day_with_no_scatter():
    found = forecast_exhaustion(1000, [100] * 10, today=TODAY)
    assert found.known
    assert found.earliest == found.expected == found.latest == TODAY + timedelta(weeks=10)
    assert (found.per_week_fen, found.weeks_seen) == (100, 10)


def test_scatter_widens_the_interval_around_the_expected_day():
    found = forecast_exhaustion(10_000, [0, 200, 50, 150, 100, 100], today=TODAY)
    assert found.earliest < found.expected < found.latest
    assert found.expected == TODAY + timedelta(weeks=100)


@pytest.mark.parametrize(
    ("weeks", "why"),
    [
        ([], "fewer_than_four_weeks"),
        ([5, 5, 5], "fewer_than_four_weeks"),
        ([0, 0, 0, 0], "nothing_is_promised"),
        ([5, -5, 5, -9], "nothing_is_promised"),
    ],
)
def test_what_is_not_known_is_not_a_date(weeks, why):
    found = forecast_exhaustion(1000, weeks, today=TODAY)
    assert (found.known, found.why, found.expected) == (False, why, None)


def test_an_exhausted_budget_ended_today():
    assert forecast_exhaustion(0, [], today=TODAY).expected == TODAY


def test_beyond_five_years_there_is_no_date():
    found = forecast_exhaustion(100 * (HORIZON_WEEKS + 1), [100] * 8, today=TODAY)
    assert found.known
    assert found.expected is None


def test_the_interval_holds_the_truth_about_four_times_in_five():
    """600 budgets used by compound weeks: the 80 % interval must cover between 70 and 90 %."""
    chance, covered, runs = random.Random(7), 0, 600

    def week():
        return sum(chance.randint(1, 2000) for _ in range(chance.randint(0, 8)))

    for _ in range(runs):
        found = forecast_exhaustion(60_000, [week() for _ in range(16)], today=TODAY)
        used = weeks = 0
        while used < 60_000:
            used += week()
            weeks += 1
        truth = TODAY + timedelta(weeks=weeks)
        # The truth is a whole week; the interval is widened by the week it falls into.
        covered += found.earliest <= truth and truth - timedelta(weeks=1) <= (
            found.latest or date.max
        )
    assert 0.70 <= covered / runs <= 0.92
