"""From a provider's own tools to hours: whole ones, observed ones, never guessed ones."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from providers.connectors.plain_csv import NotReadings, read_csv
from providers.connectors.prometheus import KNOWN, NotAnswered, Watched, read_hour
from providers.connectors.slurm import NotSacct, read_sacct

FIXTURES = Path(__file__).parent / "fixtures"
HOUR = timedelta(hours=1)
START = datetime.fromtimestamp(1735664400, UTC)  # 2024-12-31T17:00Z


def fixture(name):
    return json.loads((FIXTURES / f"{name}.json").read_text())


@pytest.mark.parametrize("name", sorted(KNOWN))
def test_the_queries_ask_for_metrics_that_the_exporters_print(name):
    printed = "".join(path.read_text() for path in FIXTURES.glob("*.prom"))
    metric, query, _unit = KNOWN[name]
    assert f"\n# TYPE {metric} " in printed
    assert f"{metric}@" in query
    kind = printed.split(f"# TYPE {metric} ")[1].split("\n")[0]
    assert ("increase(" in query) == (kind == "counter")


def prometheus(amount="prometheus_number", least="60", number="4"):
    asked = []

    def get(path, parameters):
        asked.append((path, parameters))
        query = parameters["query"]
        if query.startswith(("min(count", "count(count")):
            value = least if query.startswith("min") else number
            return {
                "status": "success",
                "data": {"resultType": "vector", "result": [{"metric": {}, "value": [0, value]}]},
            }
        return fixture(amount)

    return get, asked


WATCHED = Watched("IT-1", "ipmi_dcmi", selector='job="ipmi"', scrape_seconds=60, series=4)


def test_an_hour_of_watts_is_the_hours_kwh():
    get, asked = prometheus()
    read = read_hour(WATCHED, START + HOUR, get)
    assert (read.meter, read.quantity, read.unit) == ("IT-1", Decimal("1000.125"), "kWh")
    assert (read.starts_at, read.ends_at) == (START, START + HOUR)
    path, parameters = asked[-1]
    assert path == "/api/v1/query"
    assert parameters["time"] == str(1735664400 + 3600)
    assert 'ipmi_dcmi_power_consumption_watts{job="ipmi"}[1h]' in parameters["query"]


@pytest.mark.parametrize("seen", [{"least": "50"}, {"number": "3"}, {"amount": "prometheus_empty"}])
def test_an_hour_with_lost_samples_or_a_missing_host_is_left_out(seen):
    get, _asked = prometheus(**seen)
    assert read_hour(WATCHED, START + HOUR, get) is None


def test_an_error_of_prometheus_is_no_reading():
    get, _asked = prometheus(amount="prometheus_error")
    with pytest.raises(NotAnswered, match="parse error"):
        read_hour(WATCHED, START + HOUR, get)
    with pytest.raises(NotAnswered):
        read_hour(WATCHED, START + HOUR, lambda *_: [])


def test_slurm_jobs_become_card_hours_of_each_hour():
    read = read_sacct(
        fixture("sacct"), meter="AH-1", starts_at=START, ends_at=START + 3 * HOUR, partition="gpu"
    )
    # 8 cards for 90 minutes; 2 cards from the second hour on, still running; no steps twice.
    assert [each.quantity for each in read] == [8, 6, 2]
    assert {each.unit for each in read} == {"h"}


def test_slurm_hours_without_a_job_are_zero_not_missing():
    read = read_sacct({"jobs": []}, meter="AH-1", starts_at=START, ends_at=START + HOUR)
    assert [each.quantity for each in read] == [0]


@pytest.mark.parametrize("printed", [{}, [], {"jobs": [{}]}, {"jobs": [{"partition": "gpu"}]}])
def test_what_sacct_did_not_print_is_refused(printed):
    with pytest.raises(NotSacct):
        read_sacct(printed, meter="AH-1", starts_at=START, ends_at=START + HOUR)


def test_a_plain_csv_is_read_line_by_line():
    head = "meter,starts_at,ends_at,quantity,unit"
    line = "W-1,2025-01-01T00:00:00+08:00,2025-02-01T00:00:00+08:00,512.5,m3"
    (read,) = read_csv([head, line])
    assert (read.meter, read.quantity, read.unit) == ("W-1", Decimal("512.5"), "m3")
    with pytest.raises(NotReadings, match="line 3"):
        read_csv([head, line, "W-1,2025-01-01,2025-02-01,1,m3"])
    with pytest.raises(NotReadings, match="line 1"):
        read_csv(["a,b", "1,2"])
