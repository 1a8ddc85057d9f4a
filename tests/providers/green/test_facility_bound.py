"""Σ of the jobs' energy ≤ the facility's energy, hour by hour."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from providers.green import by_clock_hour, jobs_above_facility, within_facility

D = Decimal
HOURS = [datetime(2026, 3, 1, tzinfo=UTC) + timedelta(hours=n) for n in range(4)]
kwh = st.decimals(0, 10_000, places=6)
asked_hours = st.dictionaries(
    st.sampled_from(HOURS), st.dictionaries(st.integers(1, 9), kwh, max_size=9)
)
metered_hours = st.dictionaries(st.sampled_from(HOURS), kwh)


def granted(asked, metered):
    """kWh each job gets of one hour."""
    cut, _ = within_facility(asked, metered)
    ((_, jobs),) = asked.items()
    return {job: value - cut.get(job, D(0)) for job, value in jobs.items()}


@given(asked_hours, metered_hours)
def test_the_jobs_of_an_hour_never_exceed_its_meter(asked, metered):
    for hour, jobs in asked.items():
        got = granted({hour: jobs}, metered)
        assert all(0 <= got[job] <= jobs[job] for job in jobs)
        if hour in metered:
            assert sum(got.values()) <= metered[hour]


@given(asked_hours, metered_hours)
def test_nothing_is_cut_where_the_meter_suffices_or_is_unknown(asked, metered):
    cut, exceeded = within_facility(asked, metered)
    above = {
        hour
        for hour, jobs in asked.items()
        if hour in metered and sum(jobs.values()) > metered[hour]
    }
    assert {each.starts_at for each in exceeded} == above
    assert set(cut) <= {job for hour in above for job in asked[hour]}
    whole = sum((sum(asked[hour].values()) - metered[hour] for hour in above), D(0))
    assert whole <= sum(cut.values(), D(0)) <= whole + D("0.000009") * len(above)


def test_all_jobs_of_the_hour_are_scaled_alike():
    hour = HOURS[0]
    cut, (told,) = within_facility({hour: {"a": D(10), "b": D(30)}}, {hour: D(20)})
    assert cut == {"a": D(5), "b": D(15)}
    assert (told.asked_kwh, told.metered_kwh) == (D(40), D(20))


def test_energy_lies_evenly_over_the_clock_hours_it_touches():
    parts = list(by_clock_hour(HOURS[0] + timedelta(minutes=30), HOURS[2], D(9)))
    assert parts == [(HOURS[0], D(3)), (HOURS[1], D(6))]


def test_an_excess_within_the_meters_error_is_no_case():
    hour = HOURS[0]
    for kwh, suspicious in (("20.01", False), ("20.03", True)):
        _, exceeded = within_facility({hour: {1: D(kwh)}}, {hour: D(20)})
        assert exceeded
        assert (jobs_above_facility(exceeded) is not None) == suspicious
