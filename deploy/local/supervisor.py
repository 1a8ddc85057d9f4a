"""Bring the demo up, play its story, keep it up, take it down: `python -m deploy.local.supervisor`.

Every end is a clean end: on Ctrl-C, SIGTERM or SIGHUP it stops what it started; after a SIGKILL the
kernel stops the children (Linux) and the next start ends whatever is still there.
"""

import argparse
import contextlib
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

from deploy.local import postgres
from deploy.local.child import CannotRun, Child, end_leftovers, stop_all
from deploy.local.plan import ROOT, Folders, Plan, demo_plan
from deploy.local.processes import bearing, die_with_parent

READY_SECONDS = 120.0
TICK_SECONDS = 0.1
MakePlan = Callable[[Folders, str], Plan]


class Stopped(Exception):
    """Somebody asked us to stop."""


class Supervisor:
    """One run of the demo. `make_plan` says what to run; tests give small programs."""

    def __init__(self, folders: Folders, make_plan: MakePlan, *, once: bool) -> None:
        self.folders, self.make_plan, self.once = folders, make_plan, once
        self.asked_to_stop = 0
        self.children: list[Child] = []
        self.began = time.monotonic()

    def run(self) -> int:
        """The exit code: the story's; 1 for a part that cannot run; 130 when stopped before."""
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):
            signal.signal(getattr(signal, name), self._note)
        for folder in (self.folders.demo, self.folders.log):
            folder.mkdir(parents=True, exist_ok=True)
        try:
            # Nothing is stopped without the lock: it could be another run's.
            with only_one(self.folders), contextlib.ExitStack() as server:
                try:
                    return self._play(server)
                finally:
                    self._stop()
        except Stopped:
            return 130
        except (CannotRun, postgres.NoPostgres) as reason:
            print(f"\n✗ {reason}", file=sys.stderr, flush=True)
            return 1

    def _play(self, stack: contextlib.ExitStack) -> int:
        left = end_leftovers(self.folders.pids, list(bearing(self.folders.mark)))
        if left:
            say(f"ended {left} processes of an earlier run")
        # Messages are only doorbells (the outbox is swept), and a killed writer may have torn one.
        shutil.rmtree(self.folders.broker, ignore_errors=True)
        for log in self.folders.log.glob("*.log"):
            if not log.name.startswith("test-"):
                log.replace(log.with_suffix(".log.1"))
        with self._timed("starting PostgreSQL") as more:
            log = self.folders.log / "postgres.log"
            server = stack.enter_context(postgres.provide(self.folders.postgres, log=log))
            more(server.described)
        plan = self.make_plan(self.folders, server.url)
        for note in plan.notes:
            say(note)
        for child in plan.early:
            self._start(child)
        self._prepare(plan)
        for child in plan.main:
            self._start(child)
        with self._timed("waiting for " + ", ".join(c.name for c in self.children)):
            self._await_ready()
        seconds = time.monotonic() - self.began
        say(f"up at {plan.base_url} after {seconds:.1f} s; logs in {shown(self.folders.log)}")
        code = self._command(plan, plan.story, log=None)
        if code != 0:
            print(f"\n✗ the story ended with {code}", file=sys.stderr, flush=True)
        if self.once:
            return code
        say(f"{plan.base_url} stays up until Ctrl-C; `make demo-reset` forgets the data")
        with contextlib.suppress(Stopped):
            while True:
                self._tick()
        return code

    def _prepare(self, plan: Plan) -> None:
        """Run the steps, unless the last complete preparation was of this very same product."""
        note = self.folders.prepared
        if plan.prepared and note.exists() and note.read_text() == plan.prepared:
            say("database and facts are those of the last start")
            return
        note.unlink(missing_ok=True)
        log = self.folders.log / "setup.log"
        for text, command in plan.steps:
            with self._timed(text):
                if self._command(plan, command, log=log) != 0:
                    end = log.read_text(errors="replace")[-3000:]
                    raise CannotRun(f"{text}: {' '.join(command)} failed:\n{end}")
        note.write_text(plan.prepared)

    def _start(self, child: Child) -> None:
        child.start()
        self.children.append(child)

    def _await_ready(self) -> None:
        ends = time.monotonic() + READY_SECONDS
        waiting = list(self.children)
        while waiting := [child for child in waiting if not child.is_ready(child)]:
            self._tick()
            if time.monotonic() > ends:
                raise CannotRun(f"{waiting[0].name} is not ready in time.{waiting[0].tail()}")

    def _command(self, plan: Plan, command: list[str], *, log: Path | None) -> int:
        """Run one command to its end while looking after the children; its exit code."""
        sys.stdout.flush()
        with contextlib.ExitStack() as stack:
            output = stack.enter_context(log.open("ab")) if log else None
            process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=plan.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=die_with_parent(signal.SIGKILL),
            )
            try:
                while (code := process.poll()) is None:
                    self._tick()
                return code
            finally:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()

    def _tick(self) -> None:
        """A moment of waiting: raises Stopped when asked to, brings back a part that died."""
        if self.asked_to_stop:
            raise Stopped
        for child in self.children:
            code = child.exit_code()
            if child.restart_if_gone():
                say(f"{child.name} ended with {code}: started again")
        time.sleep(TICK_SECONDS)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.asked_to_stop += 1

    def _stop(self) -> None:
        if self.children:
            say("stopping")
        stop_all(self.children, patience_seconds=10 if self.asked_to_stop < 2 else 0)
        # Processes that left their group, or were forked in the very moment of the end.
        end_leftovers(self.folders.pids, list(bearing(self.folders.mark)), patience_seconds=2)
        self.children = []

    @contextlib.contextmanager
    def _timed(self, text: str) -> Iterator[Callable[[str], None]]:
        began, more = time.monotonic(), list[str]()
        print(f"· {text} …", end="", flush=True)
        try:
            yield more.append
        except BaseException:
            print(flush=True)
            raise
        added = f" ({', '.join(more)})" if more else ""
        print(f" {time.monotonic() - began:.1f} s{added}", flush=True)
        if self.asked_to_stop:
            raise Stopped


@contextlib.contextmanager
def only_one(folders: Folders) -> Iterator[None]:
    """One demo per checkout; the kernel frees the lock however we end."""
    with (folders.demo / "running.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise CannotRun(
                f"The demo of this checkout is already running (process {lock.read().strip()}). "
                "Stop it with Ctrl-C there."
            ) from None
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield


def shown(path: Path) -> str:
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)


def say(text: str) -> None:
    print(f"· {text}", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m deploy.local.supervisor", description=__doc__)
    parser.add_argument("--once", action="store_true", help="play the story, then stop")
    options = parser.parse_args()
    return Supervisor(Folders(), demo_plan, once=options.once).run()


if __name__ == "__main__":
    sys.exit(main())
