"""Claiming in a window over HTTP: the lane at 128 connections, ONE budget row, and the naive view.

Every claim is another enterprise's, carries a signed token, is recorded, posted to the ledger and
audited. Rates are counted in the database (places taken), not by the client.
"""

import contextlib
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg

from tests.benchmarks.money._claim_load import load
from tests.benchmarks.money.reference import (
    CLIENTS,
    DATABASE,
    THREADS,
    Reference,
    database_url,
    emit,
    pgbench_program,
)

STAGE = "bench_claims"
CONNECTIONS, ROUNDS, SECONDS, ENTERPRISES = 128, 5, 3, 40_000
NAIVE_SECONDS = 3


def figures(reference: Reference) -> None:
    """Print `claiming in a window`, `lane against naive view` and `vouchers made out`."""
    with tempfile.TemporaryDirectory() as folder, _stage(Path(folder)) as windows:
        with _serving("asgi", "marketplace.asgi:application", windows[0]) as port:
            runs: list[dict[str, Any]] = []
            files = iter(windows[1:])
            work = {"lane": lambda seconds: _rate(port, next(files), seconds, runs)}
            (measured,) = reference.interleaved(work, rounds=ROUNDS, seconds=SECONDS)
        made_out = _make_out(windows[1])
        threads = ["--workers", "2", "--blocking-threads", "1"]
        naive = "tests.benchmarks.money._naive_claims:application"
        naive_runs: list[dict[str, Any]] = []
        with _serving("wsgi", naive, windows[0], *threads) as port:
            naive_rate = _rate(port, windows[-1], NAIVE_SECONDS, naive_runs)
    lane_rate = statistics.median(measured.detail["per_second"])
    p99 = statistics.median(run["p99_ms"] for run in runs)
    reference_p99 = _reference_p99_ms()
    detail = {
        **measured.detail,
        "connections": CONNECTIONS,
        "p50_ms": statistics.median(run["p50_ms"] for run in runs),
        "p99_ms": p99,
        "p99_ms_allowed": round(30 + 3 * reference_p99, 1),
        "reference_p99_ms": reference_p99,
        "not_2xx": sum(run["not_2xx"] for run in runs),
        "generator": runs[0]["generator"],
    }
    emit("money", "claiming in a window, ONE budget row", measured.ratio, "ratio", detail)
    emit(
        "money",
        "claiming in a window, against the naive view",
        round(lane_rate / naive_rate, 1),
        "ratio",
        {
            "lane_per_second": round(lane_rate),
            "naive_per_second": round(naive_rate, 1),
            "naive_p99_ms": naive_runs[0]["p99_ms"],
            "naive_not_2xx": naive_runs[0]["not_2xx"],
        },
    )
    emit(
        "money",
        "vouchers made out after the answer",
        round(made_out / statistics.median(measured.detail["reference_per_second"]), 3),
        "ratio",
        {"per_second": round(made_out)},
    )


def _rate(port: int, claims: Path, seconds: int, runs: list[dict[str, Any]]) -> float:
    before = _places(claims)
    run = load(port, claims, connections=CONNECTIONS, seconds=seconds)
    runs.append(run)
    return (_places(claims) - before) / float(run["seconds"])


def _window_of(claims: Path) -> int:
    with claims.open() as lines:
        return int(lines.readline().split("/")[4])


def _places(claims: Path) -> int:
    with psycopg.connect(database_url(STAGE)) as connection:
        row = connection.execute(
            "SELECT places_taken FROM vouchers_claimwindow WHERE id = %s", [_window_of(claims)]
        ).fetchone()
    assert row is not None
    return int(row[0])


def _make_out(claims: Path) -> float:
    """Vouchers made out per second, all that the window granted."""
    made, began = 0, time.perf_counter()
    with psycopg.connect(database_url(STAGE), autocommit=True) as connection:
        while True:
            row = connection.execute(
                "SELECT vouchers_make_out(%s, 500)", [_window_of(claims)]
            ).fetchone()
            assert row is not None
            if row[0] == 0:
                return made / (time.perf_counter() - began)
            made += row[0]


@contextlib.contextmanager
def _stage(folder: Path) -> Iterator[list[Path]]:
    """A migrated database with a window a round, and the files of their claims."""
    with psycopg.connect(database_url(), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {STAGE} WITH (FORCE)")
        connection.execute(f"CREATE DATABASE {STAGE}")
    try:
        run = [sys.executable, "-W", "ignore"]
        windows = ROUNDS + 2
        for command in (
            ["manage.py", "migrate", "--verbosity", "0"],
            ["-m", "tests.benchmarks.money._claim_stage", folder, str(ENTERPRISES), str(windows)],
        ):
            subprocess.run([*run, *command], env=_environment(), check=True)
        yield [folder / f"window-{number}.txt" for number in range(windows)]
    finally:
        with psycopg.connect(database_url(), autocommit=True) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {STAGE} WITH (FORCE)")


def _environment() -> dict[str, str]:
    ours = {"DATABASE_URL": database_url(STAGE), "LOG_LEVEL": "ERROR", "DATABASE_POOL": "0"}
    return {**os.environ, **ours}


@contextlib.contextmanager
def _serving(interface: str, application: str, warm_up: Path, *more: str) -> Iterator[int]:
    """granian on a free loopback port, answering."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "granian", "--interface", interface, "--no-ws"]
    command += ["--host", "127.0.0.1", "--port", str(port), "--log-level", "error"]
    server = subprocess.Popen(
        [*command, *(more or ["--workers", "1"]), application], env=_environment()
    )
    try:
        for _ in range(300):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.1)
        time.sleep(2)
        load(port, warm_up, connections=8, seconds=1)
        yield port
    finally:
        server.terminate()
        server.wait(20)


def _reference_p99_ms() -> float:
    """The 99th percentile of the reference's own latency."""
    with tempfile.TemporaryDirectory() as folder:
        command = [pgbench_program(), "-n", "-c", str(CLIENTS), "-j", str(THREADS), "-T", "3"]
        command += ["--log", f"--log-prefix={folder}/log", database_url(DATABASE)]
        subprocess.run(command, capture_output=True, check=True)
        taken = [
            int(line.split()[2])
            for log in Path(folder).iterdir()
            for line in log.read_text().splitlines()
        ]
    return round(statistics.quantiles(taken, n=100)[98] / 1000, 2)
