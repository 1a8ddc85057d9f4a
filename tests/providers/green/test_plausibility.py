"""Sold against possible: each suspicion has its numbers, and what is unknown is not suspicious."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from providers.green import (
    ListedSlice,
    hours_above_energy,
    listed_twice,
    share_energy,
    sold_above_installed,
    useful_below_sold,
)

D = Decimal


def test_hours_that_the_energy_cannot_have_run_are_suspicious():
    told = hours_above_energy(sold_hours=D(1000), it_kwh=D(149), kw_per_unit=D("0.5"))
    assert told is not None
    assert dict(told.numbers)["least_kwh"] == "150"
    assert "149 kWh were metered" in told.text_en
    assert hours_above_energy(sold_hours=D(1000), it_kwh=D(150), kw_per_unit=D("0.5")) is None


def test_without_a_meter_nothing_is_said():
    assert hours_above_energy(sold_hours=D(1000), it_kwh=None, kw_per_unit=D(1)) is None
    assert useful_below_sold(sold_hours=D(1000), useful_hours=None) is None


def test_more_hours_than_installed_are_suspicious():
    assert sold_above_installed(sold_hours=D(5953), units=8, hours=D(744)) is None
    told = sold_above_installed(sold_hours=D(5960), units=8, hours=D(744))
    assert told is not None
    assert dict(told.numbers)["installed"] == "5952"


def test_sold_hours_that_did_no_work_are_suspicious():
    assert useful_below_sold(sold_hours=D(100), useful_hours=D(30)) is None
    told = useful_below_sold(sold_hours=D(100), useful_hours=D(29))
    assert told is not None
    assert dict(told.numbers)["share"] == "0.29"


def slice_(pool, platform, *, slice_id=None, units=64, facility=1):
    return ListedSlice(pool, slice_id or f"s{pool}", facility, "a100", units, platform)


def test_one_slice_under_two_identifiers_on_two_platforms_is_suspicious():
    ((one, other, told),) = listed_twice([slice_(1, "A"), slice_(2, "B"), slice_(3, "B", units=8)])
    assert (one.pool_id, other.pool_id, told.check) == (1, 2, "listed_twice")
    assert listed_twice([slice_(1, "A"), slice_(2, "A")]) == []
    assert listed_twice([slice_(1, "A"), slice_(2, "B", facility=2)]) == []
    assert listed_twice([slice_(1, "A", slice_id="s"), slice_(1, "B", slice_id="s")]) == []


amounts = st.decimals(min_value=0, max_value=10**7, places=6)


@given(it_kwh=amounts, pool_hours=amounts, jobs=st.lists(amounts, max_size=8))
def test_what_jobs_get_together_is_never_above_what_the_pool_drew(it_kwh, pool_hours, jobs):
    shares = share_energy(it_kwh=it_kwh, pool_hours=pool_hours, job_hours=jobs)
    assert sum(shares) <= it_kwh
    assert all(share >= 0 for share in shares)
