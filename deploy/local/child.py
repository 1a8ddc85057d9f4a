"""One long-running process of the demo: started, watched, restarted, stopped."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from deploy.local.processes import Identity, die_with_parent, identify, send, wait_until

RESTARTS = 5  # within RESTART_WINDOW_SECONDS; more means it cannot run
RESTART_WINDOW_SECONDS = 60.0


class CannotRun(Exception):
    """A part of the demo does not come up or does not stay up; the text shows its log's end."""


@dataclass
class Child:
    """What to run and how to know that it is ready.

    `is_ready` is asked again and again after each start, with this object.
    """

    name: str
    command: list[str]
    environment: dict[str, str]
    log: Path
    pid_file: Path
    is_ready: Callable[["Child"], bool]
    log_begins: int = 0
    identity: Identity | None = None
    _process: "subprocess.Popen[bytes] | None" = field(default=None, repr=False)
    _starts: list[float] = field(default_factory=list, repr=False)

    def start(self) -> None:
        """Start in a group of its own, so that a Ctrl-C in the terminal reaches only us."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self._starts.append(time.monotonic())
        with self.log.open("ab") as output:
            self.log_begins = output.tell()
            self._process = subprocess.Popen(
                self.command,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=die_with_parent(signal.SIGTERM),
            )
        self.identity = identify(self._process.pid)
        if self.identity:
            self.identity.write(self.pid_file)

    def exit_code(self) -> int | None:
        """None while it runs. A dead one is not reaped yet, so its number stays ours."""
        if self._process is None:
            return None
        if self._process.returncode is None and hasattr(os, "waitid"):
            flags = os.WEXITED | os.WNOHANG | os.WNOWAIT
            seen = os.waitid(os.P_PID, self._process.pid, flags)
            if seen is None:
                return None
            return seen.si_status if seen.si_code == os.CLD_EXITED else -seen.si_status
        return self._process.poll()

    def restart_if_gone(self) -> bool:
        """Bring it back after an exit; whether that was needed. Raises CannotRun when hopeless."""
        code = self.exit_code()
        if code is None:
            return False
        recent = [at for at in self._starts if at > time.monotonic() - RESTART_WINDOW_SECONDS]
        if len(recent) > RESTARTS:
            raise CannotRun(
                f"{self.name} ended {len(recent)} times, last with {code}.{self.tail()}"
            )
        self.end_group(signal.SIGKILL)  # what the dead leader left behind
        self.reap()
        self.start()
        return True

    def end_group(self, what: signal.Signals) -> None:
        """Signal the whole group while its leader is ours: running, or dead and not yet reaped."""
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, what)

    def reap(self) -> None:
        """Take the exit of a process that has ended."""
        if self._process is not None:
            self._process.wait()
            self.pid_file.unlink(missing_ok=True)

    def said(self) -> bytes:
        """What it wrote to its log since its last start."""
        with self.log.open("rb") as output:
            output.seek(self.log_begins)
            return output.read()

    def tail(self) -> str:
        lines = self.said().decode(errors="replace").strip().splitlines()[-15:]
        return f" The end of {self.log}:\n  " + "\n  ".join(lines)


def stop_all(children: list[Child], patience_seconds: float = 10) -> None:
    """SIGTERM to all leaders at once (a worker lets its tasks end), then SIGKILL to the groups."""
    for child in children:
        if child.identity:
            send(child.identity, signal.SIGTERM)
    wait_until(lambda: all(c.exit_code() is not None for c in children), patience_seconds)
    for child in children:
        child.end_group(signal.SIGKILL)
        child.reap()


def end_leftovers(pid_files: Path, others: list[Identity], patience_seconds: float = 5) -> int:
    """End what an earlier, killed run left: by PID file (same PID *and* birth) and by mark."""
    found = [who for path in sorted(pid_files.glob("*.pid")) if (who := Identity.read(path))]
    left = {who for who in [*found, *others] if who.alive}
    for who in left:
        send(who, signal.SIGTERM)
    wait_until(lambda: not any(who.alive for who in left), patience_seconds)
    for who in left:
        send(who, signal.SIGKILL)
    for path in pid_files.glob("*.pid"):
        path.unlink()
    return len(left)
