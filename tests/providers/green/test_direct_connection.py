"""绿电直连: 60 % of generation, 30 % of consumption, at most 20 % exported."""

from decimal import Decimal

import pytest

from providers.facts import load_green_method
from providers.green import GreenInputError, direct_connection

RULES = load_green_method().direct_connection


def check(available, export, curtailed, consumption, year=2026):
    return direct_connection(
        RULES,
        terms_version="t",
        available_generation_kwh=Decimal(available),
        export_kwh=Decimal(export),
        curtailed_kwh=Decimal(curtailed),
        consumption_kwh=Decimal(consumption),
        year=year,
    )


@pytest.mark.parametrize(
    ("figures", "unmet"),
    [
        ((100, 20, 20, 200), []),
        ((100, 20, 21, 100), ["self_use_of_generation"]),
        ((100, 20, 0, 267), ["self_use_of_consumption"]),
        ((100, 21, 0, 100), ["export_of_generation"]),
        ((100, 60, 10, 1000), [
            "self_use_of_generation", "self_use_of_consumption", "export_of_generation",
        ]),
    ],
)  # fmt: skip
def test_each_share_is_checked_at_its_bound(figures, unmet):
    decision = check(*figures)
    assert [reason.code for reason in decision.reasons if not reason.satisfied] == unmet
    assert decision.allowed is (not unmet)


def test_from_2030_on_35_percent_of_consumption_is_asked():
    assert check(100, 20, 20, 200, 2029).allowed
    assert not check(100, 20, 20, 200, 2030).allowed


@pytest.mark.parametrize("figures", [(0, 0, 0, 1), (100, 80, 21, 100), (100, -1, 0, 100)])
def test_figures_that_cannot_be_are_refused(figures):
    with pytest.raises(GreenInputError):
        check(*figures)
