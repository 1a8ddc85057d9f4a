"""kombu's filesystem transport, with files that appear whole.

kombu opens a message's (or an exchange's) file under its final name and writes afterwards, so a
reader can meet half of it, fail to parse and end its worker. Here a file is written under another
name and then renamed: on POSIX a rename is atomic. For the demo and the tests only; production
speaks AMQP.
"""

import fcntl
import os
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kombu.transport import TRANSPORT_ALIASES, filesystem
from kombu.utils.json import dumps

ALIAS = "filesystem"


def install() -> None:
    """Let `filesystem://` mean this transport."""
    TRANSPORT_ALIASES[ALIAS] = f"{__name__}:Transport"


class Channel(filesystem.Channel):
    """Reads as kombu's does; writes whole files."""

    def _put(self, queue: Any, payload: Any, **kwargs: Any) -> None:  # type: ignore[override]
        name = f"{round(time.monotonic() * 1000)}_{uuid.uuid4()}.{queue}.msg"
        write_whole(Path(self.data_folder_out) / name, dumps(payload))

    def _queue_bind(self, exchange: str, routing_key: str, pattern: str, queue: str) -> None:
        bound = filesystem.exchange_queue_t(routing_key or "", pattern or "", queue or "")
        with self._alone(exchange) as file:
            queues = self.get_table(exchange)
            if bound not in queues:
                write_whole(file, dumps([bound, *queues]))

    @contextmanager
    def _alone(self, exchange: str) -> Iterator[Path]:
        """The exchange's file, while no other process changes it."""
        file: Path = self._exchange_file(exchange)
        file.parent.mkdir(exist_ok=True)
        with file.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield file


class Transport(filesystem.Transport):
    """What `filesystem://` means once `install` was called."""

    Channel = Channel


def write_whole(file: Path, text: str) -> None:
    """Make `file` hold `text`: a reader sees the old file or the new one, never a part."""
    draft = file.with_name(f".{uuid.uuid4()}.draft")
    try:
        draft.write_text(text)
        os.replace(draft, file)
    finally:
        draft.unlink(missing_ok=True)
