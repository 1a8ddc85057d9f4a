"""More requests than connections: who gets none is told to come back, with the same key."""

import contextlib
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import psycopg
import pytest

from tests.drills.conftest import Town
from tests.journeys.conftest import ROOT, wait_until

pytestmark = pytest.mark.slow
REQUESTS = 24  # the pool of a web process has 8 connections


@pytest.fixture
def web(town: Town) -> Iterator[str]:
    """The web server as it is deployed, with its pool."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1"]
    command += ["--port", str(port), "--blocking-threads", str(REQUESTS)]
    with (town.folder / "web.log").open("ab") as log:
        process = subprocess.Popen(
            [*command, "marketplace.wsgi:application"],
            cwd=ROOT,
            env={**town.environment, "DATABASE_POOL": "1"},
            stdout=log,
            stderr=log,
        )

    def answers() -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return True
        return False

    try:
        wait_until("the web server", answers)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)


def test_requests_beyond_the_pool_are_sent_away_and_done_once_in_the_end(town: Town, web: str):
    def redeem(number: int) -> httpx.Response:
        return httpx.post(
            f"{web}/api/v1/vouchers/{town.stage['voucher']}/redeem",
            headers={"Authorization": town.stage["key"], "Idempotency-Key": f"pool-{number}"},
            json={
                "order_reference": f"pool-{number}",
                "order_amount_fen": 1000,
                "amount_fen": 1,
                "provider": town.stage["provider"],
            },
            timeout=60,
            trust_env=False,
        )

    assert redeem(0).status_code == 200
    with ThreadPoolExecutor(REQUESTS) as pool:
        # Somebody holds the voucher: who has a connection waits, who has none gives up.
        with psycopg.connect(town.server.url) as holder:
            holder.execute(
                "SELECT 1 FROM ledger_account a JOIN vouchers_voucher v ON v.available_id = a.id"
                f" WHERE v.id = {town.stage['voucher']} FOR UPDATE OF a"
            )
            asked = [pool.submit(redeem, number) for number in range(1, REQUESTS)]
            wait_until("a refusal", lambda: any(each.done() for each in asked))
        first = [each.result() for each in asked]
        again = list(pool.map(redeem, range(1, REQUESTS)))
    sent_away = [each for each in first if each.status_code == 503]
    assert sent_away
    assert {each.status_code for each in first} == {200, 503}
    assert {each.json()["code"] for each in sent_away} == {"database_unavailable"}
    assert all(int(each.headers["Retry-After"]) > 0 for each in sent_away)
    assert {each.status_code for each in again} == {200}
    assert len({each.json()["id"] for each in again}) == REQUESTS - 1
    assert (
        town.ask("SELECT count(*) FROM vouchers_redemption WHERE order_reference LIKE 'pool-%'")
        == REQUESTS
    )
    town.verify_books()
