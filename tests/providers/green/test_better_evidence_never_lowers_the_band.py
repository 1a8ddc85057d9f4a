"""Property: better or further evidence never lowers the tier or the score."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from providers.facts import load_green_method
from providers.green import Certificate, Claims, Facility, MeterKind, Period, Reading, rate
from providers.green.exact import start_of_day

from .evidence import FACTORS

# A rating takes a whole year, so a year is described by few draws that the hourly rows repeat.
METHOD = load_green_method()
PERIOD = Period(start_of_day(date(2025, 1, 1)), start_of_day(date(2026, 1, 1)))
HOURS = PERIOD.hours


def _readings(it_kwh, pue, direct_kwh, water_m3):
    hour = timedelta(hours=1)
    kinds = [(MeterKind.IT, it_kwh), (MeterKind.FACILITY_TOTAL, it_kwh * pue)]
    if direct_kwh is not None:
        kinds.append((MeterKind.DIRECT_LINE, direct_kwh))
    rows = [
        Reading(kind, PERIOD.starts_at + h * hour, PERIOD.starts_at + (h + 1) * hour, kwh)
        for kind, kwh in kinds
        for h in range(HOURS)
    ]
    if water_m3 is not None:
        rows.append(Reading(MeterKind.WATER, PERIOD.starts_at, PERIOD.ends_at, water_m3))
    return rows


def _rate(pue, certificates, in_use, adjustable, direct, water):
    facility = Facility(
        id="f",
        adcode="150100",
        installed_racks=100,
        racks_in_use=in_use,
        nominal_rack_kw=Decimal(4),
        adjustable_load_kw=adjustable,
        maximum_load_kw=Decimal(300),
    )
    lots = tuple(
        Certificate(f"lot-{n}", Decimal(kwh), date(2025, 3, 1), "retired")
        for n, kwh in enumerate(certificates)
    )
    readings = _readings(Decimal(150), pue, direct, water)
    return rate(METHOD, facility, PERIOD, readings, Claims(lots), FACTORS)


pues = st.integers(1000, 1700).map(lambda n: Decimal(n) / 1000)
lots = st.lists(st.integers(1, 900).map(lambda n: n * 1000), max_size=3)
optional = st.none() | st.integers(0, 100).map(Decimal)


@pytest.mark.slow
@settings(max_examples=15, deadline=None)
@given(
    pue=pues,
    better=st.integers(0, 200).map(lambda n: Decimal(n) / 1000),
    certificates=lots,
    further=lots,
    in_use=st.none() | st.integers(60, 100),
    adjustable=optional,
    gain=st.integers(0, 20).map(Decimal),
    direct=optional,
    water=st.none() | st.integers(0, 2000).map(Decimal),
)
def test_better_or_further_evidence_never_lowers_the_band(
    pue, better, certificates, further, in_use, adjustable, gain, direct, water
):
    before = _rate(pue, certificates, in_use, adjustable, direct, water)
    after = _rate(
        max(pue - better, Decimal(1)),
        certificates + further,
        in_use,
        gain if adjustable is None else adjustable + gain,
        direct,
        water,
    )
    assert before.green_tier is not None
    assert after.green_tier is not None
    assert after.green_tier >= before.green_tier
    assert after.score >= before.score


@pytest.mark.slow
@settings(max_examples=10, deadline=None)
@given(
    pue=pues,
    certificates=lots,
    direct=optional,
    hidden=st.sampled_from(["racks_in_use", "adjustable_load_kw", "certificates", "direct"]),
)
def test_hiding_evidence_never_lifts_the_band(pue, certificates, direct, hidden):
    shown = _rate(pue, certificates, 62, Decimal(1), direct, None)
    withheld = _rate(
        pue,
        [] if hidden == "certificates" else certificates,
        None if hidden == "racks_in_use" else 62,
        None if hidden == "adjustable_load_kw" else Decimal(1),
        None if hidden == "direct" else direct,
        None,
    )
    assert withheld.score <= shown.score
    assert withheld.green_tier <= shown.green_tier
    assert withheld.completeness <= shown.completeness


def test_the_property_would_catch_a_falling_scale():
    """The search is not blind: with the PUE line turned round, a better PUE loses points."""
    turned = replace(
        METHOD,
        items=(
            replace(METHOD.items[0], zero_at=Decimal("1.1"), full_at=Decimal("1.3")),
            *METHOD.items[1:],
        ),
    )
    facility = Facility(id="f", adcode="150100")

    def score(pue):
        readings = _readings(Decimal(150), Decimal(pue), None, None)
        return rate(turned, facility, PERIOD, readings, Claims(), FACTORS).score

    assert score("1.15") < score("1.25")
