"""Record what a real Prometheus answers: `python -m tests.providers.connectors.record`.

Writes fixtures/prometheus.json: every request of the connector over the four hours of
`prometheus_server.history`, with the body that came back, byte for byte but for being indented.
"""

import json
import subprocess
import tempfile
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx

from providers.connectors.prometheus import KNOWN, Get, Watched, read_hour
from tests.providers.connectors.prometheus_server import HOURS, START, with_history

FIXTURES = Path(__file__).parent / "fixtures"
DEVICES = {
    "dcgm_energy": 3,
    "dcgm_power": 3,
    "dcgm_useful_hours": 3,
    "kepler_node_cpu": 2,
    "ipmi_dcmi": 4,
    "redfish_chassis": 1,
}


def watched(name: str) -> Watched:
    """A meter of all the devices that `history` has of a metric."""
    return Watched("M-1", name, series=DEVICES[name])


def record() -> dict[str, Any]:
    told: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder, with_history(Path(folder)) as address:

        def asking(path: str, parameters: Mapping[str, str]) -> Any:
            answer = httpx.get(address + path, params=dict(parameters)).json()
            told.append({"path": path, "parameters": dict(parameters), "answer": answer})
            return answer

        read_everything(asking)
        asking("/api/v1/query", {"query": "sum(", "time": "1735664400"})
        asking("/api/v1/query", {"query": "sum(nothing)", "time": "1735664400"})
    version = subprocess.run(["prometheus", "--version"], capture_output=True, text=True)
    return {"recorded_from": version.stdout.splitlines()[0], "requests": told}


def read_everything(get: Get) -> dict[str, list[str | None]]:
    """name -> the quantity of each of the four hours, None where the hour is left out."""
    ends = [START + timedelta(hours=number + 1) for number in range(HOURS)]
    return {
        name: [
            None if read is None else str(read.quantity)
            for read in (read_hour(watched(name), end, get) for end in ends)
        ]
        for name in sorted(KNOWN)
    }


if __name__ == "__main__":
    text = json.dumps(record(), indent=1)
    (FIXTURES / "prometheus.json").write_text(text + "\n")
