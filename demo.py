#!/usr/bin/env python3
"""The front door, for a machine that has only Python 3.11+: `python3 demo.py [command]`.

    demo [--once]      start everything and play the story; --once: play, verify, stop
    reset              forget the demo's data
    test [pytest …]    the whole suite        test-fast   without the slow tests
    check              format, lint, types, import contracts, migrations, OpenAPI, translations
    bench [NAME …]     run one of tests/benchmarks, or list them
    bench-report NAME  run one and append its figures to docs/benchmarks.md
    challenge          try to issue more than an envelope holds; UNSAFE=1: the common way
    schema             write docs/openapi.yaml
    messages           compile the translations
    requirements       pin requirements/*.in again (needs the network)
    setup [dev]        only make .venv and install into it

It makes `.venv`, installs the pinned and hashed requirements (again only when they change), and
hands over to the Python in `.venv`. `make demo` and friends call this file.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - read by those with an older one
    sys.exit(
        "Suanquan needs Python 3.11 or newer, and this is {}.{}. Call it with a newer one, "
        "for example: make demo PYTHON=python3.11".format(*sys.version_info[:2])
    )

import contextlib
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
REQUIREMENTS = ROOT / "requirements"
STAMP = VENV / "installed.json"


class Impossible(Exception):
    """This machine lacks something; the text is the one line a person reads."""


def main(words: list[str]) -> int:
    """Run one command; its exit code."""
    command, rest = (words[0], words[1:]) if words else ("demo", [])
    if command in ("-h", "--help", "help"):
        print(__doc__)
        return 0
    if command == "--once":
        command, rest = "demo", words
    known = {
        "demo": demo,
        "reset": reset,
        "test": test,
        "test-fast": test_fast,
        "check": check,
        "bench": bench,
        "bench-report": bench_report,
        "challenge": challenge,
        "schema": schema,
        "messages": messages,
        "requirements": requirements,
        "setup": setup,
    }
    if command not in known:
        print(f"No such command: {command}\n{__doc__}", file=sys.stderr)
        return 2
    if os.name != "posix":
        raise Impossible("Suanquan runs on Linux and macOS; on Windows use WSL 2.")
    os.chdir(ROOT)
    return known[command](rest)


def demo(rest: list[str]) -> int:
    once = "--once" in rest or os.environ.get("ONCE", "") not in ("", "0")
    install("runtime")
    hand_over("-m", "deploy.local.supervisor", *(["--once"] if once else []))


def reset(rest: list[str]) -> int:
    install("runtime")
    hand_over("-m", "deploy.local.reset")


def test(rest: list[str]) -> int:
    install("dev")
    workers = os.environ.get("PYTEST_WORKERS", "2")
    share = [] if workers in ("", "0") else ["-n", workers, "--dist", "worksteal"]
    # The settings module comes from tests/conftest.py, after it has found a database.
    hand_over("-m", "pytest", "-o", "DJANGO_SETTINGS_MODULE=", *share, *rest)


def test_fast(rest: list[str]) -> int:
    return test(["-m", "not slow", *rest])


def check(rest: list[str]) -> int:
    install("dev")
    hand_over("-m", "deploy.local.check", *rest)


def schema(rest: list[str]) -> int:
    install("dev")
    hand_over("-m", "deploy.local.check", "--write-schema")


def messages(rest: list[str]) -> int:
    install("dev")
    hand_over("-m", "deploy.local.check", "--write-messages")


def bench(rest: list[str]) -> int:
    install("dev")
    hand_over("-m", "deploy.local.bench", *rest)


def bench_report(rest: list[str]) -> int:
    install("dev")
    hand_over("-m", "deploy.local.bench_report", *rest)


def challenge(rest: list[str]) -> int:
    return bench(["over_issue_challenge", *rest])


def setup(rest: list[str]) -> int:
    install("dev" if rest == ["dev"] else "runtime")
    return 0


def requirements(rest: list[str]) -> int:
    """Pin again. `dev` and `installer` are held to the versions they share with each other."""
    install("dev")
    for name in ("runtime", "dev", "installer"):
        command = [str(VENV / "bin" / "uv"), "pip", "compile", "--quiet", "--universal"]
        command += ["--python-version", "3.11", "--generate-hashes", "--no-header"]
        command += ["--no-emit-index-url", "--no-emit-find-links", *rest]
        if name == "dev":
            command += ["--constraint", "requirements/runtime.txt"]
        if name == "installer":
            command += ["--constraint", "requirements/dev.txt"]
        target = f"requirements/{name}.txt"
        done = subprocess.run([*command, f"requirements/{name}.in", "-o", target], check=False)
        if done.returncode != 0:
            return done.returncode
        print(f"pinned {target}")
    return 0


def hand_over(*words: str) -> NoReturn:
    """Become the Python of `.venv`: signals and exit code pass straight through."""
    sys.stdout.flush()
    os.execv(PYTHON, [str(PYTHON), *words])


def install(kind: str) -> None:
    """Have `.venv` with the packages of requirements/<kind>.txt; instant when nothing changed."""
    with one_at_a_time():
        wanted = {name: pins_of(name) for name in {"runtime", kind}}
        if installed() == {**installed(), **wanted} and works():
            return
        make_venv()
        STAMP.unlink(missing_ok=True)  # a killed install is not an install
        say(f"installing requirements/{kind}.txt into .venv")
        if not with_uv(kind):
            with_pip(REQUIREMENTS / f"{kind}.txt")
        fresh = STAMP.with_name(f"{STAMP.name}.{os.getpid()}")
        fresh.write_text(json.dumps({"runtime": wanted["runtime"], kind: wanted[kind]}))
        fresh.replace(STAMP)


def pins_of(name: str) -> str:
    pins = (REQUIREMENTS / f"{name}.txt").read_bytes()
    return hashlib.sha256(str(ROOT).encode() + pins).hexdigest()


def installed() -> dict[str, str]:
    try:
        return dict(json.loads(STAMP.read_text()))
    except (OSError, ValueError):
        return {}


def works() -> bool:
    """Whether the Python in `.venv` still runs: its base may have been removed or moved."""
    try:
        asked = "import sys; sys.exit(sys.version_info < (3, 11))"
        return subprocess.run([PYTHON, "-c", asked], check=False).returncode == 0
    except OSError:
        return False


def make_venv() -> None:
    if works() and (has_pip() or (VENV / "bin" / "uv").exists()):
        return
    for module in ("venv", "ensurepip"):
        if importlib.util.find_spec(module) is None:
            raise Impossible(no_venv())
    say(f"making .venv with Python {sys.version.split()[0]}")
    if VENV.exists():
        shutil.rmtree(VENV)
    made = subprocess.run(
        [sys.executable, "-m", "venv", str(VENV)], check=False, capture_output=True, text=True
    )
    if made.returncode != 0:
        shutil.rmtree(VENV, ignore_errors=True)
        said = " ".join((made.stdout + made.stderr).split())
        raise Impossible(no_venv() if "ensurepip" in said else f"python -m venv failed: {said}")


def no_venv() -> str:
    version = "{}.{}".format(*sys.version_info[:2])
    return (
        f"Python {version} here cannot make virtual environments (no ensurepip): install the "
        f"package python3-venv (apt-get install python3-venv, or python{version}-venv) and retry."
    )


def has_pip() -> bool:
    asked = [str(PYTHON), "-c", "import pip"]
    return subprocess.run(asked, check=False, capture_output=True).returncode == 0


def with_uv(kind: str) -> bool:
    """Install with uv (fast), itself installed from pinned hashes; False where it cannot be had."""
    uv = VENV / "bin" / "uv"
    if not uv.exists() and not pip_install(REQUIREMENTS / "installer.txt", quiet_failure=True):
        say("uv has no build for this machine: using pip, which takes a little longer")
        return False
    command = [str(uv), "pip", "install", "--quiet", "--require-hashes", "--python", str(PYTHON)]
    # Like pip: the best version of all indexes. Hashes decide what may come in, not the index.
    command += ["--index-strategy", "unsafe-best-match", "--no-config"]
    done = subprocess.run(
        [*command, "-r", str(REQUIREMENTS / f"{kind}.txt")],
        check=False,
        env={**uv_settings_from_pip(), **os.environ},
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        said = " ".join(done.stderr.split())[:300]
        say(f"uv could not install ({said}): trying pip")
    return done.returncode == 0


def uv_settings_from_pip() -> dict[str, str]:
    """Let uv use the package index that pip is configured for."""
    names = {"index-url": "UV_DEFAULT_INDEX", "extra-index-url": "UV_INDEX"}
    names |= {"find-links": "UV_FIND_LINKS", "cert": "SSL_CERT_FILE"}
    found = {"UV_LINK_MODE": "copy"} if "UV_CACHE_DIR" in os.environ else {}
    for line in pip("config", "list").stdout.splitlines():
        key, _, value = line.partition("=")
        name = names.get(key.rpartition(".")[2])
        if name and key.startswith(("global.", "install.", ":env:")):
            found[name] = value.strip().strip("'\"").replace("\\n", " ").strip()
    return found


def with_pip(pins: Path) -> None:
    if not has_pip():
        shutil.rmtree(VENV)
        make_venv()
    if not pip_install(pins):
        raise Impossible(
            f"The packages of requirements/{pins.name} could not be installed (see above); "
            "this step needs a package index that pip can reach."
        )


def pip_install(pins: Path, *, quiet_failure: bool = False) -> bool:
    words = ["install", "--quiet", "--require-hashes", "--only-binary", ":all:", "-r", str(pins)]
    done = pip(*words)
    if done.returncode != 0 and not quiet_failure:
        print(done.stderr, file=sys.stderr)
    return done.returncode == 0


def pip(*words: str) -> "subprocess.CompletedProcess[str]":
    command = [str(PYTHON), "-m", "pip", "--disable-pip-version-check", "--no-input", *words]
    return subprocess.run(command, check=False, capture_output=True, text=True)


@contextlib.contextmanager
def one_at_a_time() -> Iterator[None]:
    """Two commands started together must not install into one `.venv` at once."""
    import fcntl

    path = ROOT / "var" / "install.lock"
    path.parent.mkdir(exist_ok=True)
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another installation into .venv")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def say(text: str) -> None:
    print(f"· {text}", flush=True)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except Impossible as reason:
        sys.exit(str(reason))
    except PermissionError as refused:
        sys.exit(f"{refused.strerror}: {refused.filename}. Was .venv or var/ made by another user?")
    except KeyboardInterrupt:
        sys.exit(130)
