"""A real Prometheus on loopback, holding four hours of the exporters' metrics made up by us.

The hours are written as OpenMetrics text and turned into a database by Prometheus' own promtool, so
that they are over already; nothing waits for a clock. Which hour has which fault is in `history`.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx

START = datetime.fromtimestamp(1735664400, UTC)  # 2024-12-31T17:00Z, 01:00 in Shanghai
HOURS = 4
MINUTES = range(HOURS * 60 + 1)
MISSING = [name for name in ("prometheus", "promtool") if shutil.which(name) is None]

Labels = dict[str, str]
Samples = Iterator[tuple[int, float]]


def history() -> dict[str, tuple[str, list[tuple[Labels, Samples]]]]:
    """metric -> (type, its series: labels and (minute, value)).

    cards      GPU-1 draws 300 W and gets another pod, thus another series, in the middle of hour 1;
               GPU-2 draws 200 W and counts from 0 again in the middle of hour 2; GPU-3 draws 250 W
               and is partitioned: two series say the same
    Kepler     package 100 W, of which core 60 W, and memory 20 W
    IPMI       four hosts of 400 W; in hour 2 one is away, in hour 3 one loses ten minutes, in
               hour 4 one answers 0, as an exporter does whose board cannot measure
    Redfish    one chassis of 400 W
    """

    def card(number: int, **more: str) -> Labels:
        return {"gpu": str(number - 1), "UUID": f"GPU-{number}", "Hostname": "node01"} | more

    def pods(watts: float) -> list[tuple[Labels, Samples]]:
        return [
            (card(1, exported_pod="a"), ((m, watts) for m in MINUTES if m < 30)),
            (card(1, exported_pod="b"), ((m, watts) for m in MINUTES if m >= 30)),
        ]

    def joules(watts: float, *, scale: float = 1, since: int = 0, reset: int = 10**6) -> Samples:
        for minute in MINUTES:
            if minute >= since:
                yield minute, (minute - (reset if minute >= reset else 0)) * 60 * watts * scale

    def host(number: int, *, gone: range = range(0), silent: range = range(0)) -> Samples:
        for minute in MINUTES:
            if minute not in gone:
                yield minute, 0 if minute in silent else 400

    def always(value: float) -> Samples:
        return ((minute, value) for minute in MINUTES)

    energy = [
        (card(1, exported_pod="a"), (s for s in joules(300, scale=1000) if s[0] < 30)),
        (card(1, exported_pod="b"), joules(300, scale=1000, since=30)),
        (card(2), joules(200, scale=1000, reset=90)),
        (card(3, GPU_I_ID="0"), joules(250, scale=1000)),
        (card(3, GPU_I_ID="1"), joules(250, scale=1000)),
    ]
    power = [
        *pods(300),
        (card(2), always(200)),
        (card(3, GPU_I_ID="0"), always(250)),
        (card(3, GPU_I_ID="1"), always(250)),
    ]
    use = [
        (card(1, exported_pod="a"), ((m, 97) for m in MINUTES if m < 30)),
        (card(1, exported_pod="b"), ((m, 3) for m in MINUTES if m >= 30)),
        (card(2), always(50)),
        (card(3, GPU_I_ID="0"), always(0)),
    ]
    zones = {"package": 100, "core": 60, "dram": 20}
    kepler = [
        ({"instance": "node01:28282", "node_name": "node01", "zone": zone, "path": zone}, watts)
        for zone, watts in zones.items()
    ]
    hosts = {
        1: host(1),
        2: host(2, gone=range(60, 121)),
        3: host(3, gone=range(130, 140)),
        4: host(4, silent=range(190, 210)),
    }
    chassis = {"instance": "bmc1:9610", "chassis_id": "1", "power_wattage_id": "0"}
    return {
        "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION": ("counter", energy),
        "DCGM_FI_DEV_POWER_USAGE": ("gauge", power),
        "DCGM_FI_DEV_GPU_UTIL": ("gauge", use),
        "kepler_node_cpu_joules_total": ("counter", [(who, joules(w)) for who, w in kepler]),
        "ipmi_dcmi_power_consumption_watts": (
            "gauge",
            [({"instance": f"bmc{number}"}, said) for number, said in hosts.items()],
        ),
        "redfish_chassis_power_average_consumed_watts": ("gauge", [(chassis, always(400))]),
    }


def write_history(path: Path) -> None:
    """The history as OpenMetrics text."""
    lines = []
    for metric, (_kind, series) in history().items():
        lines.append(f"# TYPE {metric} unknown")  # OpenMetrics wants _total of every counter
        for labels, samples in series:
            named = ",".join(f'{name}="{value}"' for name, value in labels.items())
            for minute, value in samples:
                moment = START + timedelta(minutes=minute)
                lines.append(f"{metric}{{{named}}} {value} {moment.timestamp():.0f}")
    path.write_text("\n".join([*lines, "# EOF", ""]))


@contextlib.contextmanager
def running(folder: Path, config: str = "scrape_configs: []\n") -> Iterator[str]:
    """A Prometheus with its data in `folder`; yields its address and ends it afterwards."""
    (folder / "prometheus.yml").write_text(config)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    words = [
        "prometheus",
        f"--config.file={folder}/prometheus.yml",
        f"--storage.tsdb.path={folder}/data",
        "--storage.tsdb.retention.time=100y",
        f"--web.listen-address={address}",
        "--log.level=error",
    ]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(words, stdout=log, stderr=log, env={**os.environ, "TZ": "UTC"})
    try:
        _wait(f"http://{address}/-/ready", process)
        yield f"http://{address}"
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


@contextlib.contextmanager
def with_history(folder: Path) -> Iterator[str]:
    """A Prometheus that holds `history`."""
    write_history(folder / "history.om")
    making = ["promtool", "tsdb", "create-blocks-from", "openmetrics"]
    subprocess.run(
        [*making, folder / "history.om", folder / "data"], check=True, capture_output=True
    )
    with running(folder) as address:
        yield address


def _wait(address: str, process: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(address, timeout=2).status_code == 200:
                return
        if process.poll() is not None:
            break
        time.sleep(0.1)
    raise RuntimeError("Prometheus did not start")
