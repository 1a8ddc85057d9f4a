"""The real platform process on loopback, and a real receiver of its callbacks."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from scheduling.platforms.connectors.sandbox import SandboxConnector
from tests.scheduling.platforms.receiver import Receiver, start_receiver

ROOT = Path(__file__).resolve().parents[3]
TOKEN = "token-of-the-tests"
SECRET = "whsec_" + "c3VhbnF1YW4gc2FuZGJveCBwbGF0Zm9ybSB0ZXN0cw=="


class PlatformProcess:
    """Start, kill and start again, on the same port with the same state file."""

    def __init__(self, state: Path, **arguments: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.state = state
        self.arguments = {
            "seconds-per-hour": "0.02",
            "backoff-seconds": "0.05",
            **{name.replace("_", "-"): value for name, value in arguments.items()},
        }
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "scheduling.platforms.sandbox_server"]
        command += ["--port", str(self.port), "--state", str(self.state)]
        for name, value in self.arguments.items():
            command += [f"--{name}", value]
        environment = {"SANDBOX_PLATFORM_TOKEN": TOKEN, "SANDBOX_PLATFORM_SECRET": SECRET}
        self.process = subprocess.Popen(command, cwd=ROOT, env=os.environ | environment)
        deadline = time.monotonic() + 20
        while True:
            try:
                httpx.get(self.url + "/healthz", trust_env=False).raise_for_status()
                return
            except httpx.HTTPError:
                assert self.process.poll() is None, "the platform ended at once"
                assert time.monotonic() < deadline, "the platform does not answer"
                time.sleep(0.05)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def connector(self, **changes: object) -> SandboxConnector:
        fields = {"base_url": self.url, "api_token": TOKEN, "callback_secret": SECRET} | changes
        return SandboxConnector(**fields)

    def fault(self, **order: object) -> None:
        self._call("POST", "/sandbox/faults", order)

    def platform_state(self) -> dict:
        return self._call("GET", "/sandbox/state").json()

    def _call(self, method: str, path: str, body: object = None) -> httpx.Response:
        response = httpx.request(
            method,
            self.url + path,
            json=body,
            headers={"Authorization": f"Bearer {TOKEN}"},
            trust_env=False,
        )
        response.raise_for_status()
        return response


@pytest.fixture(scope="module")
def shared_platform(tmp_path_factory) -> Iterator[PlatformProcess]:
    platform = PlatformProcess(tmp_path_factory.mktemp("platform") / "state.sqlite")
    platform.start()
    yield platform
    platform.kill()


@pytest.fixture
def platform(shared_platform) -> PlatformProcess:
    shared_platform._call("DELETE", "/sandbox/faults")
    return shared_platform


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver, stop = start_receiver()
    yield receiver
    stop()
