"""Bad days, rehearsed on a durable PostgreSQL of their own; the books are proved after each."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest

from deploy.local import postgres
from tests.drills.stage import ENTERPRISES, SERVED
from tests.journeys.conftest import ROOT, wait_until

QUIET = {
    "LOG_LEVEL": "ERROR",
    "DATABASE_POOL": "0",
    "DATABASE_CONN_MAX_AGE": "600",
    "MIGRATION_DATABASE_URL": "",
}


@dataclass
class Town:
    """A server, its database, and the stage that was set in it."""

    folder: Path
    server: postgres.Server
    stage: dict[str, Any] = field(default_factory=dict)
    spendings: list["Spending"] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, **QUIET, "DATABASE_URL": self.server.url}

    @property
    def stage_file(self) -> Path:
        return self.folder / "stage.json"

    def python(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a module of ours on this town's database."""
        command = [sys.executable, "-W", "ignore", *arguments]
        done = subprocess.run(
            command, cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False
        )
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done

    def begin_spending(self, orders: int) -> "Spending":
        """Of as many orders as nobody has asked for yet, in a process of its own."""
        first = sum(len(each.wanted) for each in self.spendings)
        self.spendings.append(Spending(self, first, first + orders))
        return self.spendings[-1]

    def ask(self, query: str) -> Any:
        """The first column of the only row."""
        with psycopg.connect(self.server.url, autocommit=True) as connection:
            row = connection.execute(query).fetchone()
        assert row is not None
        return row[0]

    def kill_database(self) -> None:
        """SIGKILL to every process of the server at once, as a power cut would."""
        assert self.server.cluster is not None
        for pid in postgres._own_processes(self.server.cluster):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def start_database(self) -> None:
        """On what the dead server left behind: crash recovery."""
        self.server = start_server(self.folder)

    def require_each_once(self) -> None:
        """What was acknowledged is in the books, once, and nothing else is."""
        acknowledged: dict[int, int] = {}
        claims: dict[int, int | None] = {}
        for each in self.spendings:
            acknowledged |= each.redeemed()
            claims |= each.claims()
        with psycopg.connect(self.server.url) as connection:
            stored = connection.execute(
                "SELECT replace(order_reference, 'drill-', '')::int, id FROM vouchers_redemption"
                " WHERE order_reference LIKE 'drill-%'"
            ).fetchall()
        assert dict(stored) == acknowledged
        left_fen = self.ask(
            "SELECT balance_fen FROM ledger_account a JOIN vouchers_voucher v"
            f" ON v.available_id = a.id WHERE v.id = {self.stage['voucher']}"
        )
        redemptions = self.ask("SELECT count(*) FROM vouchers_redemption")
        assert self.stage["face_fen"] - left_fen == redemptions
        granted = [fen for fen in claims.values() if fen]
        assert len(claims) == ENTERPRISES
        assert sum(granted) == SERVED * self.stage["window_face_fen"]
        assert self.ask("SELECT sum(granted_fen) FROM vouchers_windowanswer") == sum(granted)

    def verify_books(self) -> dict[str, dict[str, Any]]:
        """Every invariant by name; fails when one of them does not hold."""
        said = [
            json.loads(line)
            for line in self.python("manage.py", "verify_books").stdout.split("\n")
            if line
        ]
        proven = {line["invariant"]: line for line in said if "invariant" in line}
        assert proven
        unproven = {name: line for name, line in proven.items() if line["violations"]}
        assert unproven == {}
        return proven


class Spending:
    """`tests.drills.spend` in a process of its own, and what it has been answered."""

    def __init__(self, town: Town, first: int, end: int) -> None:
        self.wanted, self.town = set(range(first, end)), town
        self.out = town.folder / f"answers-{first}.jsonl"
        self.out.unlink(missing_ok=True)
        command = [sys.executable, "-W", "ignore", "-m", "tests.drills.spend"]
        command += [str(town.stage_file), str(self.out), str(first), str(end)]
        self.process = subprocess.Popen(
            command, cwd=ROOT, env=town.environment, stderr=subprocess.PIPE, text=True
        )

    def lines(self) -> list[dict[str, Any]]:
        if not self.out.exists():
            return []
        return [
            json.loads(line)
            for line in self.out.read_text().splitlines(keepends=True)
            if line.endswith("\n")
        ]

    def wait_for(self, answers: int) -> None:
        """Until so many redemptions have been answered."""
        wait_until(
            f"{answers} answers",
            lambda: self.process.poll() is not None or len(self.redeemed()) >= answers,
        )

    def redeemed(self) -> dict[int, int]:
        """The redemption of each number that was answered; the same each time it was."""
        found: dict[int, int] = {}
        for line in self.lines():
            if "redemption" in line:
                assert line["outcome"] in ("redeemed", "replayed"), line
                assert found.setdefault(line["number"], line["redemption"]) == line["redemption"]
        return found

    def claims(self) -> dict[int, int | None]:
        return {line["number"]: line["granted_fen"] for line in self.lines() if "claim" in line}

    def errors(self) -> set[str]:
        return {line["error"] for line in self.lines() if "error" in line}

    def end(self) -> None:
        """It ended well, and every number has its answer."""
        _out, said = self.process.communicate(timeout=180)
        assert self.process.returncode == 0, said
        assert set(self.redeemed()) == self.wanted


def start_server(folder: Path) -> postgres.Server:
    return postgres.start(folder / "postgres", log=folder / "postgres.log")


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A durable server with the stage set. Each drill spends from where the last one stopped."""
    folder = tmp_path_factory.mktemp("town")
    folder.chmod(0o755)
    town = Town(folder, start_server(folder))
    try:
        town.python("manage.py", "migrate", "--verbosity", "0")
        town.stage = json.loads(town.python("-m", "tests.drills.stage").stdout.splitlines()[-1])
        town.stage_file.write_text(json.dumps(town.stage))
        yield town
    finally:
        town.server.stop()
