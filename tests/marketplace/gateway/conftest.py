"""The real sandbox gateway as a process on loopback, and a real receiver of its webhooks."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import stripe

from marketplace.stripe_gateway import GatewayConfig
from tests.scheduling.platforms.receiver import Receiver, start_receiver

ROOT = Path(__file__).resolve().parents[3]
KEY = "sk_test_suanquan"
SECRET = "whsec_of_the_tests"


class GatewayProcess:
    """Start, kill and start again, on the same port with the same state file."""

    def __init__(self, state: Path, webhook_url: str = "") -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.state, self.webhook_url = state, webhook_url
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "marketplace.sandbox_gateway", "--port", str(self.port)]
        command += ["--state", str(self.state), "--backoff-seconds", "0.05"]
        command += ["--webhook-url", self.webhook_url]
        environment = os.environ | {"STRIPE_WEBHOOK_SECRET": SECRET}
        self.process = subprocess.Popen(command, cwd=ROOT, env=environment)
        deadline = time.monotonic() + 20
        while True:
            try:
                httpx.get(self.url + "/healthz", trust_env=False).raise_for_status()
                return
            except httpx.HTTPError:
                assert self.process.poll() is None, "the gateway ended at once"
                assert time.monotonic() < deadline, "the gateway does not answer"
                time.sleep(0.05)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def config(self, **changes: object) -> GatewayConfig:
        fields = {"secret_key": KEY, "api_base": self.url, "max_network_retries": 0} | changes
        return GatewayConfig(**fields)

    def client(self) -> stripe.StripeClient:
        return stripe.StripeClient(KEY, base_addresses={"api": self.url}, max_network_retries=0)

    def post(self, path: str, key: str | None = None, **fields: object) -> httpx.Response:
        headers = {"Authorization": f"Bearer {KEY}"}
        if key is not None:
            headers["Idempotency-Key"] = key
        return httpx.post(
            self.url + path, data=fields, headers=headers, trust_env=False, timeout=20
        )

    def fault(self, **order: object) -> None:
        answer = httpx.post(self.url + "/sandbox/faults", json=order, trust_env=False)
        answer.raise_for_status()

    def gateway_state(self) -> dict:
        return httpx.get(self.url + "/sandbox/state", trust_env=False).json()


@pytest.fixture(scope="module")
def shared_gateway(tmp_path_factory) -> Iterator[tuple[GatewayProcess, Receiver]]:
    receiver, stop = start_receiver()
    gateway = GatewayProcess(tmp_path_factory.mktemp("gateway") / "state.sqlite", receiver.url)
    gateway.start()
    yield gateway, receiver
    gateway.kill()
    stop()


@pytest.fixture
def gateway(shared_gateway) -> GatewayProcess:
    gateway, _ = shared_gateway
    httpx.delete(gateway.url + "/sandbox/faults", trust_env=False)
    return gateway


@pytest.fixture
def receiver(shared_gateway, gateway) -> Receiver:
    """Empty at the start of a test: what earlier tests caused has been delivered."""
    _, receiver = shared_gateway
    receiver.answers.clear()
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        webhooks = gateway.gateway_state()["webhooks"]
        if webhooks["total"] == webhooks["delivered"]:
            break
        time.sleep(0.05)
    receiver.received.clear()
    return receiver
