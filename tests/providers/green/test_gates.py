"""Gates: every condition with asked, actual, met and layer; unrated meets no bound."""

from datetime import date, datetime
from decimal import Decimal

import pytest

from providers.green import Condition, Held, OfficialStatus, gate_answers, stated_answer

from .evidence import SHANGHAI

D = Decimal
AT = datetime(2026, 5, 1, 12, tzinfo=SHANGHAI)
LEVEL = OfficialStatus("green_low_carbon_level", "4A", "No. 4", "ODCC", date(2024, 1, 1))
RATED = Held(
    {"green_tier": D(3), "pue": D("1.185000"), "renewable": D("0.86")}, "rating 7", (LEVEL,)
)


def answer(metric, op, bound, held=RATED, at=AT):
    (told,) = gate_answers([Condition(metric, op, bound)], held, at=at)
    return told


@pytest.mark.parametrize(
    ("metric", "op", "bound", "met"),
    [
        ("green_tier", ">=", D(3), True),
        ("green_tier", ">=", D(4), False),
        ("pue", "<=", D("1.2"), True),
        ("pue", "<=", D("1.185"), True),
        ("pue", "<", D("1.185"), False),
        ("renewable_share", ">=", D("0.80"), True),
        ("renewable_share", ">", D("0.86"), False),
        ("hourly_cfe", ">=", D(0), False),
        ("green_low_carbon_level", ">=", "4A", True),
        ("green_low_carbon_level", ">=", "5A", False),
        ("gb_t_44989_2024", ">=", "", False),
    ],
)
def test_each_condition_is_held_alone(metric, op, bound, met):
    assert answer(metric, op, bound).met is met


def test_an_answer_shows_both_figures_and_where_the_actual_one_is_from():
    told = answer("pue", "<=", D("1.20"))
    assert (told.asked, told.actual, told.layer, told.source) == (
        "1.2",
        "1.185",
        "computed",
        "rating 7",
    )
    told = answer("green_low_carbon_level", ">=", "4A")
    assert (told.asked, told.actual, told.layer, told.source) == (
        "4A",
        "4A",
        "official",
        "No. 4, ODCC",
    )
    told = stated_answer(Condition("pue", "<", D("1.2")), D("1.1"))
    assert (told.actual, told.met, told.layer, told.source) == ("1.1", True, "gate", "")


def test_an_official_level_never_answers_for_the_index_nor_the_index_for_a_level():
    only_official, only_index = Held(None, "", (LEVEL,)), Held({"green_tier": D(4)}, "rating 7")
    assert answer("green_tier", ">=", D(1), only_official).actual is None
    assert answer("green_low_carbon_level", ">=", "A", only_index).actual is None


@pytest.mark.parametrize("metric", ["green_tier", "renewable_share", "hourly_cfe", "pue"])
@pytest.mark.parametrize("held", [Held(None), Held({})])
def test_unrated_meets_no_bound_however_low(held, metric):
    op, bound = ("<=", D(9)) if metric == "pue" else (">=", D(0))
    told = answer(metric, op, bound, held)
    assert (told.actual, told.met, told.source) == (None, False, "")


@pytest.mark.parametrize(("level", "met"), [("1", True), ("2", True), ("3", False)])
def test_grade_one_is_better_than_grade_two(level, met):
    held = Held(None, "", (OfficialStatus("gb_t_44989_2024", level, "No. 5", "someone"),))
    assert answer("gb_t_44989_2024", ">=", "2", held).met is met


def test_a_certificate_that_has_ended_does_not_count():
    status = OfficialStatus(
        "gb_40879_2021", "1", "No. 6", "someone", date(2024, 1, 1), date(2026, 5, 1)
    )
    held = Held(None, "", (status,))
    told = answer("gb_40879_2021", ">=", "2", held)
    assert (told.met, told.actual) == (False, None)
    assert answer(
        "gb_40879_2021", ">=", "2", held, at=datetime(2026, 4, 30, 23, tzinfo=SHANGHAI)
    ).met
