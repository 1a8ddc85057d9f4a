"""The database of tests is the database of production: PostgreSQL, embedded unless told otherwise.

`join` gives this run a server and a database name of its own through `DATABASE_URL`. With
`DATABASE_URL` already set it changes nothing. Several runs in one checkout share one server; the
last to leave stops it. Files, all in `var/`: `test-postgres/` (the cluster), `.gate` (one joins or
leaves at a time), `.users` (held by every run), `.slotNN` (held by the run whose database it is),
`.slotNN.schema` (the migrations that database was left with; absent after an unclean end).
"""

import atexit
import fcntl
import hashlib
import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from deploy.local import postgres

ROOT = Path(__file__).resolve().parent.parent
DEFAULTS = {
    "DJANGO_SETTINGS_MODULE": "marketplace.settings",
    "SECRET_KEY": "only-for-tests",
    "DEMO": "1",  # plain HTTP
    "CELERY_BROKER_URL": "memory://",
}


_ended_cleanly = False


def note_end(exit_status: int) -> None:
    """Told by pytest: an interrupted run may leave rows, so its database is not reused."""
    global _ended_cleanly
    _ended_cleanly = exit_status in (0, 1, 5)  # passed, failed, none collected


def join(var: Path = ROOT / "var") -> None:
    """Set what settings need, start or share the server, and arrange the leaving at exit.

    Raises postgres.NoPostgres where none can be had. Workers of pytest-xdist inherit the result.
    """
    for name, value in DEFAULTS.items():
        os.environ.setdefault(name, value)
    if os.environ.get("DATABASE_URL"):
        return
    data = var / "test-postgres"
    with _gate(var):
        users = _beside(data, "users").open("w")
        fcntl.flock(users, fcntl.LOCK_SH)
        server = postgres.running(data) or _start(data)
        slot, held = _take_slot(data)
        begun_with = _forget_old_schema(server, data, slot)
    os.environ["DATABASE_URL"] = server.url_for(_database(slot))
    mine = os.getpid()

    def leave() -> None:
        if os.getpid() != mine:  # a fork of ours
            return
        if _ended_cleanly:
            _schema_note(data, slot).write_text(begun_with)
        with _gate(var):
            held.close()
            users.close()
            if _nobody_left(data):
                server.stop()

    atexit.register(leave)


def schema_fingerprint() -> str:
    """Changes with any migration: ours, or those of the installed packages."""
    digest = hashlib.sha256((ROOT / "requirements" / "runtime.txt").read_bytes())
    for path in sorted(ROOT.glob("*/migrations/**/*")):
        if path.is_file() and path.suffix != ".pyc":
            digest.update(str(path).encode() + path.read_bytes())
    return digest.hexdigest()


def _start(data: Path) -> postgres.Server:
    log = data.parent / "log" / "test-postgres.log"
    try:
        return postgres.start(data, log=log, throwaway=True, with_parent=False)
    except postgres.MadeByAnother:  # test data is nobody's: begin anew with the binaries found now
        postgres.forget(data)
        return postgres.start(data, log=log, throwaway=True, with_parent=False)


def _forget_old_schema(server: postgres.Server, data: Path, slot: int) -> str:
    """Drop this slot's databases if other migrations made them; the fingerprint of today's."""
    note, today = _schema_note(data, slot), schema_fingerprint()
    if not note.exists() or note.read_text() != today:
        server.drop_databases(f"test_{_database(slot)}")
    note.unlink(missing_ok=True)  # written again by a clean end
    return today


def _take_slot(data: Path) -> tuple[int, IO[str]]:
    for slot in itertools.count():
        held = _beside(data, f"slot{slot:02d}").open("w")
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            held.close()
            continue
        return slot, held
    raise AssertionError("unreachable")


def _nobody_left(data: Path) -> bool:
    with _beside(data, "users").open("w") as users:
        try:
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


@contextmanager
def _gate(var: Path) -> Iterator[None]:
    var.mkdir(parents=True, exist_ok=True)
    with _beside(var / "test-postgres", "gate").open("w") as gate:
        fcntl.flock(gate, fcntl.LOCK_EX)
        yield


def _database(slot: int) -> str:
    return f"suanquan_{slot:02d}"


def _schema_note(data: Path, slot: int) -> Path:
    return _beside(data, f"slot{slot:02d}.schema")


def _beside(data: Path, suffix: str) -> Path:
    return data.parent / f"{data.name}.{suffix}"
