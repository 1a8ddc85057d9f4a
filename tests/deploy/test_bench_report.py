"""Figures of a benchmark become one table; whatever else it prints stays out."""

from deploy.local.bench_report import LAST_SECTION, conditions, figures_of, placed, section

LINE = (
    '{"bench": "money", "figure": "settling", "value": 2.1, "unit": "ratio", "detail":'
    ' {"must_stay_below": 3, "fsync_ms": 0.2, "foreign_cpu_seconds": [0.1, 0.4],'
    ' "naive_seconds": 7000}}'
)


def test_only_figures_are_read():
    assert figures_of("round 1 of 5 done\n") == []
    assert figures_of('{"hello": 1}') == []
    assert [each["value"] for each in figures_of(LINE)] == [2.1]


def test_a_row_says_what_was_asked_and_what_the_naive_way_takes():
    text = section("Money", "quiet", figures_of(LINE))
    assert text.splitlines()[-1] == "| settling | 2.1 | ≤ 3 | seconds 7,000 |"


def test_the_worst_conditions_are_told():
    said = conditions(figures_of(LINE))
    assert said == "; fsync 0.2 to 0.2 ms; at most 0.4 s of foreign CPU in a run"


def test_the_table_stands_before_what_is_not_measured_yet():
    assert placed(f"# B\n\n{LAST_SECTION}\n\nx\n", "## New\n") == (
        f"# B\n\n## New\n\n{LAST_SECTION}\n\nx\n"
    )
