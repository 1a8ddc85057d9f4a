"""From a provider's own tools to hours: whole ones, observed ones, never guessed ones."""

import json
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from providers.connectors.plain_csv import NotReadings, read_csv
from providers.connectors.prometheus import KNOWN, NotAnswered, Watched, hour_of, read_hour
from providers.connectors.slurm import NotSacct, read_sacct
from tests.providers.connectors.prometheus_server import START
from tests.providers.connectors.record import read_everything, watched

FIXTURES = Path(__file__).parent / "fixtures"
HOUR = timedelta(hours=1)


def fixture(name):
    return json.loads((FIXTURES / f"{name}.json").read_text())


RECORDED = fixture("prometheus")
ANSWERS = {
    (each["parameters"]["query"], each["parameters"]["time"]): each["answer"]
    for each in RECORDED["requests"]
}
# 0.75 kW of three cards; a counter that starts again loses the step in which it did. Useful are the
# minutes above 5 %: half an hour of card 1 (31 of 61 steps), all of card 2. Of Kepler's zones core
# lies in package. IPMI: hours with a host away, samples lost or a board that says 0 are left out.
TOLD = {
    "dcgm_energy": ["0.750000", "0.746667", "0.750000", "0.750000"],
    "dcgm_power": ["0.750000"] * 4,
    "dcgm_useful_hours": ["1.508197", "1.000000", "1.000000", "1.000000"],
    "ipmi_dcmi": ["1.600000", None, None, None],
    "kepler_node_cpu": ["0.120000"] * 4,
    "redfish_chassis": ["0.400000"] * 4,
}


def recorded(path, parameters):
    """What Prometheus answered to this very request when it was recorded."""
    assert path == "/api/v1/query"
    return ANSWERS[parameters["query"], parameters["time"]]


def vector(value):
    return {
        "status": "success",
        "data": {"resultType": "vector", "result": [{"metric": {}, "value": [0, value]}]},
    }


@pytest.mark.parametrize("name", sorted(KNOWN))
def test_the_queries_ask_for_metrics_that_the_exporters_print(name):
    printed = "".join(path.read_text() for path in FIXTURES.glob("*.prom"))
    known = KNOWN[name]
    assert f"\n# TYPE {known.metric} " in printed
    line = printed.split(f"\n{known.metric}{{")[-1].split("\n")[0]
    given = {"instance"} | set(re.findall(r"(\w+)=", line))  # Prometheus itself adds the instance
    assert set(known.device) <= given
    kind = printed.split(f"# TYPE {known.metric} ")[1].split("\n")[0]
    assert ("increase(" in known.amount) == (kind == "counter")


def test_hours_are_read_from_what_prometheus_really_answered():
    assert read_everything(recorded) == TOLD


def test_a_reading_is_the_hour_that_is_over():
    read = read_hour(watched("ipmi_dcmi"), START + HOUR, recorded)
    assert (read.meter, read.quantity, read.unit) == ("M-1", Decimal("1.6"), "kWh")
    assert (read.starts_at, read.ends_at) == (START, START + HOUR)


def test_a_meter_may_be_part_of_what_an_exporter_shows():
    part = Watched("IT-1", "kepler_node_cpu", selector='node_name=~"node0.*"', scrape_seconds=30)
    assert '{node_name=~"node0.*",zone=~"package.*|dram.*"}[30s]' in hour_of(part)


@pytest.mark.parametrize("fewer", [{"least": "50"}, {"number": "3"}])
def test_an_hour_with_lost_samples_or_a_missing_host_is_left_out(fewer):
    seen = {"least": "60", "number": "4"} | fewer

    def get(_path, parameters):
        kind = {"min": seen["least"], "cou": seen["number"]}.get(parameters["query"][:3], "1.6")
        return vector(kind)

    assert read_hour(watched("ipmi_dcmi"), START + HOUR, get) is None


def test_an_error_of_prometheus_is_no_reading():
    broken = next(each["answer"] for each in RECORDED["requests"] if each["answer"].get("error"))
    with pytest.raises(NotAnswered, match="parse error"):
        read_hour(watched("ipmi_dcmi"), START + HOUR, lambda *_: broken)
    with pytest.raises(NotAnswered):
        read_hour(watched("ipmi_dcmi"), START + HOUR, lambda *_: [])


def test_what_no_series_answers_is_not_zero():
    nothing = ANSWERS["sum(nothing)", "1735664400"]
    assert nothing["status"] == "success"
    assert read_hour(watched("ipmi_dcmi"), START + HOUR, lambda *_: nothing) is None


def test_slurm_jobs_become_card_hours_of_each_hour():
    read = read_sacct(
        fixture("sacct_23.11"),
        meter="AH-1",
        starts_at=START,
        ends_at=START + 3 * HOUR,
        partition="gpu",
    )
    # 8 cards for 90 minutes; 2 cards from the second hour on, still running; no steps twice.
    assert [each.quantity for each in read] == [8, 6, 2]
    assert {each.unit for each in read} == {"h"}


def test_what_slurm_really_printed_becomes_card_hours():
    ends_at = datetime.fromtimestamp(1795404300, UTC)
    (read,) = read_sacct(
        fixture("sacct_22.05"), meter="AH-1", starts_at=ends_at - HOUR, ends_at=ends_at
    )
    # infer runs still: 2 cards x 268 s; train 4 x 45; fails 10; cancelled 63; a sweep of two x 12;
    # the run that was put back into the queue 7. What never started, and what has no card: nothing.
    assert read.quantity == (Decimal(2 * 268 + 4 * 45 + 10 + 63 + 24 + 7) / 3600).quantize(
        Decimal("0.000001")
    )


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
