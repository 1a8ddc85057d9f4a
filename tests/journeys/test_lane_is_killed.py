"""The lane is killed in a rush: what was acknowledged stands, the rest is repeated."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import httpx
import pytest
from django.db import connection, transaction

from tests.journeys.conftest import ROOT, wait_until
from tests.marketplace.doors import Knock
from tests.marketplace.test_claim_lane import knock
from tests.vouchers.test_races import violations
from tests.vouchers.windows import FACE_FEN, make_rush, remaining_fen
from vouchers.actions.make_out_vouchers import make_out_vouchers

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
CLAIMS = 40


class LaneProcess:
    """granian serving marketplace.asgi on a free loopback port."""

    def __init__(self, log: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.log = log
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "granian", "--interface", "asgi", "--no-ws"]
        command += ["--host", "127.0.0.1", "--port", str(self.port), "marketplace.asgi:application"]
        database = urlsplit(os.environ["DATABASE_URL"])._replace(
            path="/" + connection.settings_dict["NAME"]
        )
        environment = {**os.environ, "DATABASE_URL": urlunsplit(database)}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, cwd=ROOT, env=environment, stdout=log, stderr=log, start_new_session=True
            )

        def answers() -> bool:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
                return True
            return False

        wait_until("the lane", answers)

    def kill(self) -> None:
        """SIGKILL to the server and its worker: nobody cleans up."""
        if self.process is not None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None

    def ask(self, knock: Knock) -> httpx.Response | None:
        """The answer, or None when the connection died first."""
        with contextlib.suppress(httpx.TransportError):
            return httpx.post(
                f"http://127.0.0.1:{self.port}{knock.path}",
                headers=knock.headers,
                timeout=30,
                trust_env=False,
            )
        return None


@pytest.fixture
def lane(tmp_path):
    process = LaneProcess(tmp_path / "lane.log")
    process.start()
    yield process
    process.kill()


def a_batch_is_waiting() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            " AND query LIKE '%vouchers_claim_batch%' AND datname = current_database()"
        )
        return bool(cursor.fetchone()[0])


def test_a_lane_killed_mid_batch_loses_no_acknowledged_claim_and_doubles_none(lane):
    rush = make_rush(CLAIMS, tranche_fen=25 * FACE_FEN)
    knocks = [knock(rush.window, actor, key=f"k{n}") for n, actor in enumerate(rush.applicants)]
    with ThreadPoolExecutor(CLAIMS) as pool:
        before = [each for each in pool.map(lane.ask, knocks[:10]) if each is not None]
        # A batch is under way and cannot finish: its lock is held here until the lane is dead.
        with transaction.atomic():
            type(rush.window).objects.select_for_update().get(pk=rush.window.pk)
            dying = [pool.submit(lane.ask, each) for each in knocks[5:30]]
            wait_until("a batch in the database", a_batch_is_waiting)
            lane.kill()
            died = [each.result() for each in dying]
        wait_until("the orphaned batch", lambda: not a_batch_is_waiting())
        lane.start()
        again = [each for each in pool.map(lane.ask, knocks) if each is not None]
    assert [each.status_code for each in before] == [201] * 10
    assert None in died, "the lane was not killed in the middle of anything"
    assert len(again) == CLAIMS
    assert {each.status_code for each in again} <= {200, 201}
    acknowledged = {each.json()["id"]: each.json() for each in before}
    acknowledged |= {each.json()["id"]: each.json() for each in died if each is not None}
    final = {each.json()["id"]: each.json() for each in again}
    assert {id_: final[id_] for id_ in acknowledged} == acknowledged
    assert rush.window.answers.count() == CLAIMS
    assert sum(each.json()["granted_fen"] or 0 for each in again) == 25 * FACE_FEN
    assert remaining_fen(rush.window) == 0
    make_out_vouchers(window_id=rush.window.pk)
    assert violations() == []
