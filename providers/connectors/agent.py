"""The agent: reads its sources, signs, sends; spools while the server is away, and resumes.

Batches wait as files, oldest first, in the spool folder. A batch leaves it only when the server
took it (2xx) or refused it for good (4xx: moved to `refused/` with the answer). Events are the same
whenever they are read, so a crash anywhere costs nothing but a repetition, which the server knows.
"""

import json
import os
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

import yaml

from providers.meter_signatures import sign

from .events import Interval, as_events
from .plain_csv import read_csv
from .prometheus import Get, NotAnswered, Watched, read_hour
from .slurm import COMMAND, read_sacct

HOUR = timedelta(hours=1)
BATCH_EVENTS = 5000
BACK = 72  # hours that are read again after a pause; what is older is sent by CSV
RETRY = frozenset({401, 408, 425, 429})  # 401: a clock or a key may be put right


class Answer(Protocol):
    """What a POST gives back."""

    @property
    def status_code(self) -> int: ...

    @property
    def text(self) -> str: ...


Post = Callable[[str, bytes, Mapping[str, str]], Answer]


class BadConfig(ValueError):
    """The configuration lacks something; the text says what."""


@dataclass(frozen=True)
class Config:
    """What an agent needs to know; `read` holds its sources as the guide describes them."""

    server: str
    key_id: str
    algorithm: str
    secret: str
    source: str
    spool: Path
    read: list[dict[str, Any]] = field(default_factory=list)


def load_config(path: Path) -> Config:
    """Read YAML or JSON; `secret_file` names the file that holds the secret. Raises BadConfig."""
    try:
        given = yaml.safe_load(path.read_text())
        secret = Path(given["secret_file"]).read_text().strip()
        return Config(
            server=given["server"],
            key_id=given["key_id"],
            algorithm=given.get("algorithm", "ed25519"),
            secret=secret,
            source=given["source"],
            spool=Path(given["spool"]),
            read=list(given.get("read", [])),
        )
    except (OSError, KeyError, TypeError, yaml.YAMLError) as error:
        raise BadConfig(f"{path}: {error!r}") from error


@dataclass(frozen=True, slots=True)
class Told:
    """What a round did: events spooled, batches sent, batches refused for good, batches waiting."""

    spooled: int
    sent: int
    refused: int
    waiting: int
    problems: tuple[str, ...]


def run_once(config: Config, *, now: datetime, post: Post, get: Callable[[str], Get]) -> Told:
    """Read the hours that are over, spool them, and send what waits. Never raises for a source or
    a server that is away: that is a problem in the answer, and the next round goes on."""
    problems: list[str] = []
    intervals: list[Interval] = []
    cursors = _cursors(config)
    until = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    for number, source in enumerate(config.read):
        key = f"{number}:{source.get('kind')}"
        last = datetime.fromisoformat(cursors[key]) if key in cursors else until - HOUR
        since = max(last, until - BACK * HOUR)
        try:
            intervals += _read(source, since, until, get)
            cursors[key] = until.isoformat()
        except (OSError, ValueError, KeyError, NotAnswered, subprocess.SubprocessError) as error:
            problems.append(f"{key}: {error!r}")
    events = as_events(intervals, source=config.source)
    for position in range(0, len(events), BATCH_EVENTS):
        spool(config, events[position : position + BATCH_EVENTS], now=now)
    _write(config.spool / "cursors.json", json.dumps(cursors))
    sent, refused = send_waiting(config, now=now, post=post, problems=problems)
    return Told(len(events), sent, refused, len(waiting(config)), tuple(problems))


def _read(
    source: Mapping[str, Any], since: datetime, until: datetime, get: Callable[[str], Get]
) -> list[Interval]:
    kind = source["kind"]
    if kind == "prometheus":
        watched = [Watched(**each) for each in source["meters"]]
        hours = int((until - since) / HOUR)
        ends = [since + (number + 1) * HOUR for number in range(hours)]
        read = [read_hour(each, end, get(source["url"])) for each in watched for end in ends]
        return [interval for interval in read if interval is not None]
    if kind == "slurm":
        command = [
            word.format(**{"from": since.isoformat()[:19], "to": until.isoformat()[:19]})
            for word in source.get("command", COMMAND)
        ]
        environment = {**os.environ, "TZ": "UTC"}  # sacct reads its times in the local zone
        done = subprocess.run(  # noqa: S603 - the provider's own configuration names the command
            command, check=True, capture_output=True, timeout=600, env=environment
        )
        return read_sacct(
            json.loads(done.stdout),
            meter=source["meter"],
            starts_at=since,
            ends_at=until,
            partition=source.get("partition"),
        )
    if kind == "csv":
        path = Path(source["path"])
        return read_csv(path.read_text().splitlines()) if path.exists() else []
    raise BadConfig(f"no connector called {kind!r}")


def spool(config: Config, events: list[dict[str, Any]], *, now: datetime) -> Path:
    """Write a batch to be sent; it is there whole or not at all."""
    config.spool.mkdir(parents=True, exist_ok=True)
    target = config.spool / f"{now.astimezone(UTC):%Y%m%dT%H%M%S%f}-{uuid4().hex[:8]}.batch"
    _write(target, json.dumps(events, ensure_ascii=False))
    return target


def waiting(config: Config) -> list[Path]:
    """The batches that wait, oldest first."""
    return sorted(config.spool.glob("*.batch"))


def send_waiting(
    config: Config, *, now: datetime, post: Post, problems: list[str]
) -> tuple[int, int]:
    """(sent, refused for good). Stops at the first batch the server does not answer for."""
    sent = refused = 0
    for path in waiting(config):
        body = path.read_bytes()
        message_id = path.stem
        headers = {
            "Content-Type": "application/cloudevents-batch+json",
            "Meter-Key": config.key_id,
            "webhook-id": message_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": sign(
                config.algorithm, config.secret, message_id=message_id, at=now, body=body
            ),
        }
        try:
            answer = post(config.server, body, headers)
        except OSError as error:
            problems.append(f"offline: {error!r}")
            break
        if answer.status_code in RETRY or answer.status_code >= 500:
            problems.append(f"server: {answer.status_code} {answer.text[:200]}")
            break
        if 200 <= answer.status_code < 300:
            path.unlink()
            sent += 1
            continue
        folder = config.spool / "refused"
        folder.mkdir(exist_ok=True)
        _write(folder / f"{path.stem}.answer", f"{answer.status_code} {answer.text}")
        path.replace(folder / path.name)
        problems.append(f"refused: {path.name}: {answer.status_code} {answer.text[:200]}")
        refused += 1
    return sent, refused


def _cursors(config: Config) -> dict[str, str]:
    try:
        return dict(json.loads((config.spool / "cursors.json").read_text()))
    except (OSError, ValueError):
        return {}


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.write_text(text)
    fresh.replace(path)
