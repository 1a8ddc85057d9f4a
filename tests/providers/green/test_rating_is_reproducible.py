"""The same inputs give the same bytes, and a stranger's script agrees."""

import importlib.util
import json
import random
import subprocess
import sys
from datetime import UTC, date
from decimal import Decimal, getcontext, localcontext
from functools import lru_cache
from pathlib import Path

import pytest

from audit.canonical import canonical_json
from providers.green import (
    Certificate,
    Claims,
    MeterKind,
    OfficialStatus,
    Reading,
    Settlement,
    bundle,
)

from .evidence import YEAR, a_year, hourly, rating, retired

pytestmark = pytest.mark.slow

# The worked example, frozen: a change here means the method or its arithmetic has changed, and then
# the method version must change too.
INPUT_SHA256 = "35cf75bac0147ee8a3bc2c84058438fb2639d518c692c7780f28b600e4194ec3"
OUTPUT_SHA256 = "d8dc24727c409a400276b2b4d4d51ac406822f110e67d44bc7aef0652f4ad856"
SCRIPT = Path(__file__).parents[3] / "docs" / "verify_rating.py"


def _script():
    spec = importlib.util.spec_from_file_location("verify_rating", SCRIPT)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    with localcontext():
        spec.loader.exec_module(module)
    return module


@lru_cache(maxsize=1)
def _rich():
    """A year with a bit of everything that can go wrong or be claimed."""
    readings = [r for n, r in enumerate(a_year("1.2234567", "987.654321")) if n not in {5, 6, 9000}]
    readings += hourly(MeterKind.ONSITE_GENERATION, lambda h: "150.5" if 8 <= h % 24 < 17 else "0")
    readings += hourly(MeterKind.EXPORT, lambda h: "20" if h % 24 == 12 else "0")
    readings += hourly(MeterKind.DIRECT_LINE, lambda h: "99999" if h == 40 else "77.7")
    readings.append(Reading(MeterKind.IT, YEAR.starts_at, YEAR.ends_at, Decimal(1)))
    readings.append(Reading(MeterKind.WATER, YEAR.starts_at, YEAR.ends_at, Decimal("2900.25")))
    readings.append(a_year()[100])
    claims = Claims(
        (
            retired(4000000, id_="b"),
            retired(300000, id_="a", backs="onsite"),
            retired(800000, id_="d", backs="direct_line"),
            retired(1000, id_="b"),
            Certificate("h", Decimal(5000), date(2025, 4, 1), "held", lapses_on=date(2026, 9, 1)),
        ),
        (Settlement("s2", Decimal(7000), "b"), Settlement("s1", Decimal("7.5"))),
        (OfficialStatus("green_low_carbon_level", "4A", "证-1", "ODCC", date(2024, 1, 1)),),
    )
    return tuple(readings), claims


@lru_cache(maxsize=1)
def _rich_bundle() -> str:
    readings, claims = _rich()
    return canonical_json(bundle(rating(readings, claims=claims)))


def test_the_order_of_inputs_and_the_zone_of_their_times_do_not_matter():
    readings, claims = _rich()
    shuffled = [
        Reading(r.kind, r.starts_at.astimezone(UTC), r.ends_at.astimezone(UTC), r.quantity)
        for r in readings
    ]
    random.Random(7).shuffle(shuffled)
    again = bundle(
        rating(
            shuffled,
            claims=Claims(
                claims.certificates[::-1], claims.settlements[::-1], claims.official_statuses
            ),
        )
    )
    assert _rich_bundle() == canonical_json(again)


@pytest.mark.slow
def test_the_callers_decimal_context_does_not_matter():
    readings, claims = _rich()
    usual = _rich_bundle()
    with localcontext() as context:
        context.prec = 7
        context.rounding = "ROUND_UP"
        assert canonical_json(bundle(rating(readings, claims=claims))) == usual
    assert getcontext().prec != 7


def test_the_digests_of_the_worked_example_have_not_moved():
    result = rating(claims=Claims((retired(8927000),)))
    assert result.input_sha256 == INPUT_SHA256
    assert result.output_sha256 == OUTPUT_SHA256


def test_a_different_figure_gives_a_different_input_digest():
    assert rating(a_year("1.185001")).input_sha256 != rating().input_sha256


@pytest.mark.parametrize("case", ["rich", "plain", "unrated", "coarse"])
def test_the_script_recomputes_every_figure_from_the_bundle_alone(case):
    readings, claims = _rich()
    result = {
        "rich": lambda: rating(readings, claims=claims),
        "plain": lambda: rating(claims=Claims((retired(8927000),))),
        "unrated": lambda: rating([], claims=claims),
        "coarse": lambda: rating(a_year(hours=range(8400))),
    }[case]()
    made = json.loads(canonical_json(bundle(result)))
    with localcontext():
        assert _script().verify(made) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("output", "green_tier"), 4),
        (("output", "score"), "99"),
        (("output", "quarantined"), []),
        (("input", "facility", "racks_in_use"), 799),
        (("input", "claims", "certificates"), []),
    ],
)
def test_the_script_notices_a_bundle_that_was_touched(path, value):
    touched = json.loads(_rich_bundle())
    node = touched
    for step in path[:-1]:
        node = node[step]
    assert node[path[-1]] != value
    node[path[-1]] = value
    with localcontext():
        assert _script().verify(touched)


def test_the_script_runs_on_a_bare_python(tmp_path):
    file = tmp_path / "bundle.json"
    file.write_text(canonical_json(bundle(rating())), encoding="utf-8")
    run = subprocess.run(
        [sys.executable, "-I", "-S", str(SCRIPT), str(file)], capture_output=True, text=True
    )
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.startswith("agrees: tier")
    file.write_text("{}", encoding="utf-8")
    assert (
        subprocess.run([sys.executable, str(SCRIPT), str(file)], capture_output=True).returncode
        == 2
    )
