"""Programs on this machine, for tests that start, kill and count real processes."""

import os
import pwd
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deploy.local.processes import identify

ROOT = Path(__file__).resolve().parents[2]


def run_python(code: str, *words: str, **more) -> subprocess.CompletedProcess[str]:
    """Run a piece of Python with the project importable and no DATABASE_URL."""
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), *words],
        env=environment(**more.pop("env", {})),
        cwd=more.pop("cwd", ROOT),
        capture_output=True,
        text=True,
        timeout=120,
        **more,
    )


def environment(**more: str) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if k not in ("DATABASE_URL", "ONCE")}
    return {**kept, "PYTHONPATH": str(ROOT), **more}


def gone(pid: int) -> bool:
    return identify(pid) is None


@contextmanager
def folder_of_an_ordinary_user(tmp: Path) -> Iterator[tuple[Path, dict]]:
    """A folder an unprivileged user owns and the `subprocess` arguments to act as that user."""
    if os.geteuid() != 0:
        yield tmp, {}
        return
    user = pwd.getpwnam("nobody")
    path = Path("/var/tmp") / f"suanquan-test-{os.getpid()}"
    path.mkdir()
    os.chown(path, user.pw_uid, user.pw_gid)
    try:
        yield path, {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    finally:
        shutil.rmtree(path)


def readable_python() -> str | None:
    """A Python that an unprivileged user can start and that sees our packages, or None."""
    for python in (sys.executable, "/usr/bin/python3"):
        try:
            done = subprocess.run(
                [python, "-c", "import sys; sys.exit(sys.version_info < (3, 11))"],
                user="nobody" if os.geteuid() == 0 else None,
                cwd="/",
                capture_output=True,
            )
        except OSError:
            continue
        if done.returncode == 0:
            return python
    return None


needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
