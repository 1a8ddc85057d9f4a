"""What the demo consists of: folders, environment, ports, processes, and the steps in between."""

import base64
import hashlib
import json
import os
import secrets
import socket
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from deploy.local.child import CannotRun, Child
from deploy.local.postgres import application_url
from deploy.local.readiness import Ready, answers, says

ROOT = Path(__file__).resolve().parents[2]
MARK = "SUANQUAN_DEMO_AT"  # in the environment of all we start, so that leftovers can be told
WEB, GATEWAY, PLATFORM = 8000, 8801, 8802
QUEUES = "matching,settlement,dispatch,payments,outbox"


@dataclass(frozen=True)
class Folders:
    """Where one demo keeps its things; all of it below `var/`."""

    var: Path = ROOT / "var"

    @property
    def demo(self) -> Path:
        """All that `make demo-reset` forgets, but for the report."""
        return self.var / "demo"

    @property
    def postgres(self) -> Path:
        return self.demo / "postgres"

    @property
    def broker(self) -> Path:
        return self.demo / "broker"

    @property
    def prepared(self) -> Path:
        return self.demo / "prepared"

    @property
    def pids(self) -> Path:
        return self.demo / "pids"

    @property
    def log(self) -> Path:
        return self.var / "log"

    @property
    def report(self) -> Path:
        return self.var / "demo-report.json"

    @property
    def mark(self) -> str:
        return f"{MARK}={self.demo}"


@dataclass
class Plan:
    """What the supervisor carries out, in this order."""

    folders: Folders
    environment: dict[str, str]
    base_url: str
    early: list[Child]  # need no database
    steps: list[tuple[str, list[str]]]  # (what it says, command): each must succeed
    main: list[Child]
    story: list[str]
    notes: list[str] = field(default_factory=list)
    prepared: str = ""  # names what `steps` bring about; "" runs them every time


def demo_plan(folders: Folders, database_url: str) -> Plan:
    """The real demo. Whatever the caller's environment already names is used, not replaced.

    On a server of our own only migrations run as the owner of the tables; a caller who wants the
    same on theirs names MIGRATION_DATABASE_URL beside DATABASE_URL.
    """
    kept = _kept(folders)
    ports = _ports(folders)
    base_url = f"http://127.0.0.1:{ports['web']}"
    # The caller's word wins over ours, except for what belongs to this one run.
    environment = {
        "SECRET_KEY": kept["secret_key"],
        "CHECKPOINT_KEY": _checkpoint_seed(kept["secret_key"]),
        "CELERY_BROKER_URL": "filesystem://",
        "STRIPE_API_BASE": f"http://127.0.0.1:{ports['gateway']}",
        "STRIPE_API_KEY": kept["stripe_api_key"],
        "STRIPE_WEBHOOK_SECRET": kept["stripe_webhook_secret"],
        "SANDBOX_PLATFORM_URL": f"http://127.0.0.1:{ports['platform']}",
        "SANDBOX_PLATFORM_SECRET": kept["sandbox_platform_secret"],
        "SANDBOX_PLATFORM_TOKEN": kept["sandbox_platform_token"],
        **os.environ,
        "DEMO": "1",
        **_database(database_url),
        "CELERY_FILESYSTEM_FOLDER": str(folders.broker),
        "PUBLIC_BASE_URL": base_url,
        "STRIPE_WEBHOOK_URL": f"{base_url}/api/v1/webhooks/stripe",
        "DJANGO_SETTINGS_MODULE": "marketplace.settings",
        "LOG_LEVEL": "INFO",  # readiness is read from the logs
        "PYTHONUNBUFFERED": "1",
        "PYTHONPATH": str(ROOT),
        MARK: str(folders.demo),
    }

    def child(name: str, ready: Ready, words: list[str], **more: str) -> Child:
        return Child(
            name,
            [sys.executable, "-m", *words],
            {**environment, **more},
            folders.log / f"{name}.log",
            folders.pids / f"{name}.pid",
            ready,
        )

    def sandbox(name: str, module: str) -> Child:
        place = ["--host", "127.0.0.1", "--port", str(ports[name])]
        state = ["--state", str(folders.demo / f"{name}.sqlite3")]
        return child(name, answers(ports[name], "/healthz"), [module, *place, *state])

    early, notes = [], []
    if "STRIPE_API_BASE" in os.environ:
        notes.append(f"payment gateway of STRIPE_API_BASE: {environment['STRIPE_API_BASE']}")
    else:
        early.append(sandbox("gateway", "marketplace.sandbox_gateway"))
    if "SANDBOX_PLATFORM_URL" in os.environ:
        notes.append(f"platform of SANDBOX_PLATFORM_URL: {environment['SANDBOX_PLATFORM_URL']}")
    else:
        early.append(sandbox("platform", "scheduling.platforms.sandbox_server"))
    place = ["--host", "127.0.0.1", "--port", str(ports["web"])]
    threads = ["--workers", "1", "--blocking-threads", "4"]
    web = ["granian", "--interface", "wsgi", *place, *threads, "marketplace.wsgi:application"]
    celery = ["celery", "--app", "marketplace"]
    quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    worker = [*celery, "worker", "--queues", QUEUES, "--concurrency", "2", *quiet]
    beat = [*celery, "beat", "--pidfile=", "--schedule", str(folders.demo / "beat-schedule")]
    manage = [sys.executable, "manage.py"]
    return Plan(
        folders,
        environment,
        base_url,
        early,
        [
            ("migrating the database", [*manage, "migrate", "--noinput", "--verbosity", "0"]),
            *(
                [("giving the application its rights", [*manage, "grant_application_role"])]
                if "MIGRATION_DATABASE_URL" in environment
                else []
            ),
            ("loading the facts", [*manage, "load_facts"]),
        ],
        [
            child("web", answers(ports["web"], "/health/ready"), web, DATABASE_POOL="1"),
            child("worker", says(b" ready."), [*worker, "--loglevel", "INFO"]),
            child("beat", says(b"beat: Starting"), [*beat, "--loglevel", "INFO"]),
        ],
        [*manage, "play_story", "--base-url", base_url, "--report", str(folders.report)],
        notes,
        # A database of the caller's own may have changed since; ours only by our hand.
        prepared="" if "DATABASE_URL" in os.environ else fingerprint(),
    )


def _database(url: str) -> dict[str, str]:
    if "DATABASE_URL" in os.environ:
        return {"DATABASE_URL": url}
    return {"DATABASE_URL": application_url(url), "MIGRATION_DATABASE_URL": url}


def fingerprint() -> str:
    """Changes with any file of the product that migrations or facts could come from."""
    digest = hashlib.sha256((ROOT / "requirements" / "runtime.txt").read_bytes())
    rooms = [top.parent for top in ROOT.glob("*/__init__.py")]
    for room in sorted(room for room in rooms if room.name not in ("tests", "deploy")):
        for path in sorted(room.rglob("*")):
            # Caches of Python and Numba come from running, not from editing.
            if path.is_file() and path.parent.name != "__pycache__":
                digest.update(str(path).encode() + path.read_bytes())
    return digest.hexdigest()


def _kept(folders: Folders) -> dict[str, str]:
    """Random secrets of this demo, made once and kept for this user alone."""
    path = folders.demo / "secrets.json"
    try:
        return dict(json.loads(path.read_text()))
    except (OSError, ValueError):
        pass

    def webhook_secret() -> str:
        return "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode()

    made = {
        "secret_key": secrets.token_urlsafe(50),
        "stripe_api_key": f"sk_test_{secrets.token_hex(16)}",
        "stripe_webhook_secret": webhook_secret(),
        "sandbox_platform_secret": webhook_secret(),
        "sandbox_platform_token": secrets.token_urlsafe(24),
    }
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    fresh.touch(mode=0o600)
    fresh.write_text(json.dumps(made))
    fresh.replace(path)
    return made


def _checkpoint_seed(secret: str) -> str:
    """The demo signs with a key of its own, which follows from its secret."""
    seed = hashlib.sha256(f"checkpoints:{secret}".encode()).digest()
    return base64.b64encode(seed).decode()


def _ports(folders: Folders) -> dict[str, int]:
    """The ports of the last start where still free, else the usual ones, else the next free."""
    path = folders.demo / "ports.json"
    try:
        last = dict(json.loads(path.read_text()))
    except (OSError, ValueError):
        last = {}
    wished = {"web": int(os.environ.get("PORT") or WEB), "gateway": GATEWAY, "platform": PLATFORM}
    if "PORT" in os.environ:
        last.pop("web", None)
    chosen: dict[str, int] = {}
    for name, usual in wished.items():
        candidates = [last.get(name, usual), *range(usual, usual + 200)]
        chosen[name] = next_free(candidates, taken=chosen.values())
    path.write_text(json.dumps(chosen))
    return chosen


def next_free(candidates: Iterable[int], taken: Iterable[int] = ()) -> int:
    """The first loopback port nobody listens on. Raises CannotRun when there is none."""
    used = set(taken)
    for port in candidates:
        if port in used:
            continue
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
                probe.listen(1)
            except OSError:
                continue
            return port
    raise CannotRun("No free port on 127.0.0.1.")
