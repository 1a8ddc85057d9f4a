"""The agent signs, sends, spools while offline, and resumes."""

import base64
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from audit.decisions import SYSTEM
from providers.actions.issue_meter_key import issue_meter_key
from providers.connectors.agent import BadConfig, Config, load_config, run_once, waiting
from providers.meter_signatures import public_half
from providers.models import MeterReading
from tests.factories import NOW
from tests.providers.connectors.test_connectors import FIXTURES, vector
from tests.providers.supply import make_facility, make_meter

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.providers.routes")]
SECRET = base64.b64encode(bytes(range(32))).decode()
HOUR = timedelta(hours=1)


@dataclass
class Said:
    status_code: int
    text: str = ""


@pytest.fixture
def facility():
    facility = make_facility()
    make_meter(facility, "it_kwh")
    return facility


@pytest.fixture
def config(facility, tmp_path):
    key, _ = issue_meter_key(
        facility=facility, name="agent", public_key=public_half(SECRET), actor=SYSTEM, at=NOW
    )
    source = {
        "kind": "prometheus",
        "url": "http://prometheus",
        "meters": [{"meter": "it_kwh", "name": "ipmi_dcmi"}],
    }
    return Config("/api/v1/meter-events", key.key_id, "ed25519", SECRET, "hall", tmp_path, [source])


def prometheus(_base):
    return lambda _path, _parameters: vector("1000.125")


@pytest.fixture
def server(client):
    def post(url, body, headers):
        given = {name: value for name, value in headers.items() if name != "Content-Type"}
        answer = client.post(url, body, content_type=headers["Content-Type"], headers=given)
        return Said(answer.status_code, answer.content.decode())

    return post


def offline(*_words):
    raise ConnectionError("no route")


def test_it_signs_and_sends_the_hours_that_are_over(config, server):
    told = run_once(config, now=datetime.now(UTC), post=server, get=prometheus)
    assert (told.spooled, told.sent, told.waiting, told.problems) == (1, 1, 0, ())
    assert MeterReading.objects.get().quantity == 1000.125


def test_it_spools_while_offline_and_resumes_without_counting_twice(config, server):
    now = datetime.now(UTC)
    told = run_once(config, now=now - 2 * HOUR, post=offline, get=prometheus)
    assert (told.spooled, told.sent, told.waiting) == (1, 0, 1)
    run_once(config, now=now - HOUR, post=offline, get=prometheus)
    assert len(waiting(config)) == 2
    told = run_once(config, now=now, post=server, get=prometheus)
    assert (told.sent, told.waiting) == (3, 0)
    (config.spool / "cursors.json").unlink()  # as after a crash: the last hour is read again
    run_once(config, now=now, post=server, get=prometheus)
    assert MeterReading.objects.count() == 3


def test_a_source_that_is_away_is_tried_again_from_where_it_stopped(config, server):
    now = datetime.now(UTC)
    run_once(config, now=now - 3 * HOUR, post=server, get=prometheus)
    told = run_once(config, now=now - 2 * HOUR, post=server, get=lambda _base: offline)
    assert told.problems
    run_once(config, now=now, post=server, get=prometheus)
    assert MeterReading.objects.count() == 4


def test_what_is_refused_for_good_is_set_aside_with_the_answer(config, server):
    config.read[0]["meters"][0]["meter"] = "unknown"
    told = run_once(config, now=datetime.now(UTC), post=server, get=prometheus)
    assert (told.refused, told.waiting) == (1, 0)
    (answer,) = (config.spool / "refused").glob("*.answer")
    assert answer.read_text().startswith("422 ")


@pytest.mark.parametrize("status", [401, 429, 503])
def test_what_may_yet_succeed_stays_in_the_spool(config, status):
    told = run_once(
        config, now=datetime.now(UTC), post=lambda *_: Said(status, "later"), get=prometheus
    )
    assert (told.sent, told.refused, told.waiting) == (0, 0, 1)


def test_it_runs_sacct_and_reads_what_it_prints(config, facility):
    printing = [sys.executable, "-c", f"print(open({str(FIXTURES / 'sacct_23.11.json')!r}).read())"]
    config.read[:] = [{"kind": "slurm", "meter": "it_kwh", "command": printing}]
    told = run_once(config, now=datetime.now(UTC), post=offline, get=prometheus)
    assert told.spooled == 1
    config.read[:] = [{"kind": "slurm", "meter": "it_kwh", "command": ["/no/such/sacct"]}]
    told = run_once(config, now=datetime.now(UTC) + HOUR, post=offline, get=prometheus)
    assert "FileNotFoundError" in told.problems[0]


def test_its_configuration_is_a_file_and_the_secret_another(tmp_path):
    (tmp_path / "key").write_text(SECRET + "\n")
    path = tmp_path / "agent.yaml"
    path.write_text(
        f"server: https://example.test/api/v1/meter-events\nkey_id: mk_1\nsource: hall\n"
        f"spool: {tmp_path}/spool\nsecret_file: {tmp_path}/key\nread: []\n"
    )
    assert load_config(path).secret == SECRET
    path.write_text("server: x\n")
    with pytest.raises(BadConfig):
        load_config(path)
