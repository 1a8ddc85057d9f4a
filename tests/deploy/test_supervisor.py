"""The supervisor with small programs in place of the real ones: every end is a clean end."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from deploy.local.child import end_leftovers
from deploy.local.plan import Folders, next_free
from deploy.local.processes import Identity, bearing, identify, wait_until
from deploy.local.supervisor import only_one
from tests.deploy import machine

pytestmark = pytest.mark.slow

# A demo of one steady child that has a grandchild, one step, and a story told by the test.
DRIVER = """
import os, sys, textwrap
from pathlib import Path
from deploy.local.child import Child
from deploy.local.plan import MARK, Folders, Plan
from deploy.local.readiness import says
from deploy.local.supervisor import Supervisor

var, story, once = Path(sys.argv[1]), sys.argv[2], sys.argv[3] == "once"
steady = sys.argv[4] if len(sys.argv) > 4 else '''
    import subprocess, sys, time
    held = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"],
                            start_new_session=True)
    print("grandchild", held.pid, "ready", flush=True)
    time.sleep(300)
'''

def plan(folders, url):
    environment = {**os.environ, MARK: str(folders.demo), "PYTHONUNBUFFERED": "1"}
    child = Child(
        "steady", [sys.executable, "-c", textwrap.dedent(steady)], environment,
        folders.log / "steady.log", folders.pids / "steady.pid", says(b"ready"),
    )
    step = [sys.executable, "-c", "print('a step')"]
    tell = [sys.executable, "-c", textwrap.dedent(story)]
    return Plan(folders, environment, "http://nowhere", [], [("a step", step)], [child], tell)

sys.exit(Supervisor(Folders(var), plan, once=once).run())
"""
WAITS = "import time; print('told', flush=True); time.sleep(300)"


class Run:
    """A supervisor in a process of its own."""

    def __init__(self, var: Path, story: str, how: str = "once", *more: str) -> None:
        self.var = var
        self.process = subprocess.Popen(
            [sys.executable, "-c", DRIVER, str(var), story, how, *more],
            env={**machine.environment(), "DATABASE_URL": "postgresql:///not-used"},
            cwd=machine.ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.heard = ""

    def until(self, text: str) -> None:
        while text not in self.heard:
            assert self.process.stdout is not None
            line = self.process.stdout.readline()
            assert line, f"ended before saying {text!r}:\n{self.heard}"
            self.heard += line

    def end(self) -> int:
        self.heard += self.process.communicate(timeout=60)[0]
        return self.process.returncode

    def pids(self) -> list[int]:
        child = Identity.read(self.var / "demo" / "pids" / "steady.pid")
        grandchild = re.search(r"grandchild (\d+)", (self.var / "log" / "steady.log").read_text())
        assert child is not None
        assert grandchild is not None
        return [child.pid, int(grandchild[1])]


@pytest.fixture
def var(tmp_path):
    path = tmp_path / "var"
    yield path
    end_leftovers(Folders(path).pids, list(bearing(Folders(path).mark)))


@pytest.mark.parametrize("code", [0, 3])
def test_once_ends_with_the_code_of_the_story_and_leaves_nothing(var, code):
    run = Run(var, f"print('once upon a time'); raise SystemExit({code})")
    assert run.end() == code
    assert "once upon a time" in run.heard
    assert not list(bearing(Folders(var).mark))
    assert not list((var / "demo" / "pids").iterdir())


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_during_the_story_stops_everything(var, how):
    run = Run(var, WAITS)
    run.until("told")
    pids = run.pids()
    run.process.send_signal(how)
    assert run.end() == 130
    assert all(machine.gone(pid) for pid in pids)


def test_stays_up_after_the_story_until_interrupted(var):
    run = Run(var, "print('the end')", "stay")
    run.until("until Ctrl-C")
    time.sleep(0.5)
    assert run.process.poll() is None
    pids = run.pids()
    run.process.send_signal(signal.SIGINT)
    assert run.end() == 0
    assert all(machine.gone(pid) for pid in pids)


@machine.needs_linux
def test_after_a_sigkill_the_children_go_and_the_next_start_ends_the_rest(var):
    run = Run(var, WAITS)
    run.until("told")
    child, grandchild = run.pids()
    run.process.kill()
    run.process.wait()
    assert wait_until(lambda: machine.gone(child), 10)  # the kernel's word
    assert not machine.gone(grandchild)  # it has a session of its own
    again = Run(var, "print('the end')")
    assert again.end() == 0
    assert machine.gone(grandchild)
    assert "of an earlier run" in again.heard


def test_a_part_that_dies_is_started_again(var):
    run = Run(var, WAITS, "stay")
    run.until("told")
    child, _ = run.pids()
    os.kill(child, signal.SIGKILL)
    run.until("started again")
    assert run.pids()[0] != child
    run.process.send_signal(signal.SIGTERM)
    run.end()


def test_a_part_that_cannot_run_ends_the_demo_with_its_log(var):
    run = Run(var, WAITS, "once", "raise SystemExit('no such luck')")
    assert run.end() == 1
    assert "no such luck" in run.heard


def test_a_second_demo_is_refused_and_does_not_disturb_the_first(var):
    run = Run(var, WAITS)
    run.until("told")
    pids = run.pids()
    second = Run(var, WAITS)
    assert second.end() == 1
    assert "already running" in second.heard
    assert not any(machine.gone(pid) for pid in pids)
    run.process.send_signal(signal.SIGTERM)
    run.end()


def test_a_reused_pid_is_never_killed(tmp_path):
    innocent = subprocess.Popen(["sleep", "60"])
    try:
        file = tmp_path / "worker.pid"
        Identity(innocent.pid, "born at another time").write(file)
        assert end_leftovers(tmp_path, []) == 0
        assert innocent.poll() is None
        assert not file.exists()
        identify(innocent.pid).write(file)
        assert end_leftovers(tmp_path, []) == 1  # the very same one
        assert innocent.wait(5) == -signal.SIGTERM
    finally:
        innocent.kill()
        innocent.wait()


def test_a_torn_pid_file_is_nobody(tmp_path):
    (tmp_path / "torn.pid").write_text("12")
    assert Identity.read(tmp_path / "torn.pid") is None
    assert end_leftovers(tmp_path, []) == 0


def test_a_port_somebody_listens_on_is_passed_over():
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert next_free([port, port + 1, port + 2]) in (port + 1, port + 2)


def test_the_lock_is_free_again_after_its_holder_was_killed(tmp_path):
    folders = Folders(tmp_path)
    folders.demo.mkdir(parents=True)
    code = """
        import os, signal, sys
        from pathlib import Path
        from deploy.local.plan import Folders
        from deploy.local.supervisor import only_one
        with only_one(Folders(Path(sys.argv[1]))):
            os.kill(os.getpid(), signal.SIGKILL)
    """
    assert machine.run_python(code, str(tmp_path)).returncode == -signal.SIGKILL
    with only_one(folders):
        pass
