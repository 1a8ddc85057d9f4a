"""A running product: web server, platform, gateway, and a worker of its own on a real broker."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.db import connection

from tests.marketplace.gateway.conftest import KEY, GatewayProcess
from tests.marketplace.gateway.conftest import SECRET as GATEWAY_SECRET
from tests.scheduling.platforms.conftest import SECRET, TOKEN, PlatformProcess

ROOT = Path(__file__).resolve().parents[2]
QUEUES = "matching,settlement,dispatch,payments,outbox"


def wait_until(what: str, ready: Callable[[], Any], *, seconds: float = 90) -> Any:
    ends = time.monotonic() + seconds
    while not (answer := ready()):
        assert time.monotonic() < ends, f"waited {seconds} s for {what}"
        time.sleep(0.1)
    return answer


class WorkerProcess:
    """A Celery worker with its beat: start it, kill it as the kernel would, start it again."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder, self.environment = folder, environment
        self.log = folder / "worker.log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "celery", "--app", "marketplace", "worker", "--beat"]
        command += ["--queues", QUEUES, "--concurrency", "1", "--loglevel", "INFO"]
        command += ["--schedule", str(self.folder / "beat-schedule")]
        command += ["--without-gossip", "--without-mingle", "--without-heartbeat"]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def kill(self) -> None:
        """SIGKILL to the worker and its children: nobody cleans up."""
        if self.process is not None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[PlatformProcess]:
    platform = PlatformProcess(tmp_path / "platform.sqlite", seconds_per_hour="0.2")
    platform.start()
    yield platform
    platform.kill()


@pytest.fixture
def gateway(tmp_path: Path, live_server: Any) -> Iterator[GatewayProcess]:
    gateway = GatewayProcess(
        tmp_path / "gateway.sqlite", f"{live_server.url}/api/v1/webhooks/stripe"
    )
    gateway.start()
    yield gateway
    gateway.kill()


@pytest.fixture
def worker(
    tmp_path: Path,
    live_server: Any,
    settings: Any,
    platform: PlatformProcess,
    gateway: GatewayProcess,
) -> Iterator[WorkerProcess]:
    """Not yet started. Its database is the test's; its broker CI's, or a folder of this test."""
    doors = {
        "PUBLIC_BASE_URL": live_server.url,
        "SANDBOX_PLATFORM_URL": platform.url,
        "SANDBOX_PLATFORM_TOKEN": TOKEN,
        "SANDBOX_PLATFORM_SECRET": SECRET,
        "STRIPE_API_BASE": gateway.url,
        "STRIPE_API_KEY": KEY,
        "STRIPE_WEBHOOK_SECRET": GATEWAY_SECRET,
    }
    for name, value in doors.items():
        setattr(settings, name, value)
    broker = os.environ.get("CELERY_BROKER_URL", "")
    database = urlsplit(os.environ["DATABASE_URL"])._replace(
        path="/" + connection.settings_dict["NAME"]
    )
    environment = os.environ | doors
    environment |= {
        "DATABASE_URL": urlunsplit(database),
        "CELERY_BROKER_URL": broker if broker.startswith("amqp") else "filesystem://",
        "CELERY_FILESYSTEM_FOLDER": str(tmp_path / "broker"),
        "SWEEP_SECONDS": "0.5",
        "MATCH_SECONDS": "1",
    }
    worker = WorkerProcess(tmp_path, environment)
    yield worker
    worker.kill()
