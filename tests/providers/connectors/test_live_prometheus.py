"""The same hours from a Prometheus that runs here, and from exporters it asks itself."""

import functools
import http.server
import threading
import time

import httpx
import pytest

from providers.connectors.__main__ import getter
from providers.connectors.prometheus import KNOWN
from tests.providers.connectors.prometheus_server import MISSING, running, with_history
from tests.providers.connectors.record import read_everything
from tests.providers.connectors.test_connectors import FIXTURES, TOLD

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(MISSING), reason=f"not on this machine: {', '.join(MISSING)}"),
]


def test_a_running_prometheus_answers_as_it_was_recorded(tmp_path):
    with with_history(tmp_path) as address:
        assert read_everything(getter(address)) == TOLD


@pytest.fixture
def exporters():
    """The expositions under /dcgm.prom, /ipmi.prom …, as their exporters serve them."""
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=FIXTURES)
    handler.log_message = lambda *_words: None
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()


def test_prometheus_takes_in_the_expositions_we_keep(tmp_path, exporters):
    jobs = "".join(
        f"- job_name: {path.stem}\n  metrics_path: /{path.name}\n  scrape_interval: 1s\n"
        f"  static_configs: [{{targets: ['{exporters}']}}]\n"
        for path in FIXTURES.glob("*.prom")
    )
    wanted = {known.metric for known in KNOWN.values()}
    with running(tmp_path, f"scrape_configs:\n{jobs}") as address:
        seen: set[str] = set()
        until = time.monotonic() + 20
        while not wanted <= seen and time.monotonic() < until:
            seen |= set(httpx.get(f"{address}/api/v1/label/__name__/values").json()["data"])
            time.sleep(0.2)
    assert wanted <= seen
