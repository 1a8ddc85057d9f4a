"""Processes by identity, not by number: a PID alone may already belong to somebody else."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

PR_SET_PDEATHSIG = 1
_PROC = Path("/proc")
_HAS_PROC = (_PROC / "self" / "stat").exists()


@dataclass(frozen=True)
class Identity:
    """A process: its PID and the moment it began, as the system words it."""

    pid: int
    born: str

    def __str__(self) -> str:
        return f"{self.pid} {self.born}"

    @classmethod
    def read(cls, path: Path) -> "Identity | None":
        """Read a PID file written by `write`; None when missing or torn."""
        try:
            pid, born = path.read_text().strip().split(" ", 1)
            return cls(int(pid), born)
        except (OSError, ValueError):
            return None

    def write(self, path: Path) -> None:
        """Write a PID file in one step, so that no reader sees half of it."""
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f"{path.name}.{os.getpid()}")
        fresh.write_text(f"{self}\n")
        fresh.replace(path)

    @property
    def alive(self) -> bool:
        return identify(self.pid) == self


def identify(pid: int) -> Identity | None:
    """Who has this PID now; None for nobody and for a zombie."""
    if pid <= 0:
        return None
    if _HAS_PROC:
        try:
            # The name in parentheses may hold spaces, so count from the last ")".
            fields = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
            boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
        except OSError:
            return None
        return None if fields[0] in "ZX" else Identity(pid, f"{fields[19]}@{boot}")
    shown = subprocess.run(
        ["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    ).stdout.split(None, 1)
    return None if len(shown) < 2 or shown[0].startswith("Z") else Identity(pid, shown[1].strip())


def command_lines() -> Iterable[tuple[int, str]]:
    """(PID, command line or process title) of every process we may look at."""
    if _HAS_PROC:
        for entry in _PROC.iterdir():
            if entry.name.isdigit():
                try:
                    line = (entry / "cmdline").read_bytes()
                except OSError:
                    continue
                yield int(entry.name), line.replace(b"\0", b" ").decode(errors="replace")
        return
    shown = subprocess.run(
        ["ps", "-axww", "-o", "pid=,command="], capture_output=True, text=True, check=False
    )
    for row in shown.stdout.splitlines():
        pid, _, command = row.strip().partition(" ")
        if pid.isdigit():
            yield int(pid), command


def die_with_parent(sent: signal.Signals) -> Callable[[], None]:
    """A `preexec_fn` that has the kernel send `sent` when our process goes, even by SIGKILL.

    Linux only; elsewhere it does nothing and the next start cleans up through PID files.
    The signal follows the *thread* that started the child: start children from the main thread.
    """
    if sys.platform != "linux":
        return lambda: None
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def arrange() -> None:
        prctl(PR_SET_PDEATHSIG, int(sent), 0, 0, 0)
        if os.getppid() != parent:  # the parent went before the arrangement held
            os._exit(1)

    return arrange


def wait_until(true: Callable[[], bool], timeout_seconds: float, every: float = 0.02) -> bool:
    """Wait for a condition; whether it came true in time."""
    ends = time.monotonic() + timeout_seconds
    while not true():
        if time.monotonic() > ends:
            return False
        time.sleep(every)
    return True


def send(who: Identity, what: signal.Signals, *, group: bool = False) -> None:
    """Signal a process (or the group it leads), only while it is still the same one."""
    if not who.alive:
        return
    try:
        if group:
            os.killpg(who.pid, what)
        else:
            os.kill(who.pid, what)
    except ProcessLookupError:
        pass


def bearing(mark: str) -> Iterable[Identity]:
    """Every process of ours whose environment at birth held `mark` (`NAME=value`); Linux only.

    Finds grandchildren too, whatever became of their parent, group or PID file.
    """
    if not _HAS_PROC:
        return
    wanted = mark.encode()
    for entry in _PROC.iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                held = (entry / "environ").read_bytes().split(b"\0")
            except OSError:
                continue
            if wanted in held and (who := identify(int(entry.name))):
                yield who
