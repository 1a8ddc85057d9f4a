"""A broker that goes away, forgets what it held, and comes back."""

import contextlib
import socket
import threading
from pathlib import Path
from urllib.parse import urlsplit

import kombu

QUEUES = ("matching", "settlement", "dispatch", "payments", "outbox")


class Broker:
    """In front of the real one: an AMQP server is reached through a door that can be shut."""

    def __init__(self, url: str, folder: Path) -> None:
        self.real, self.folder = url, folder
        self.url = url
        self.door: _Door | None = None
        if url.startswith("amqp"):
            there = urlsplit(url)
            self.door = _Door((there.hostname or "127.0.0.1", there.port or 5672))
            host = f"{there.username}:{there.password}@127.0.0.1:{self.door.port}"
            self.url = there._replace(netloc=host).geturl()

    def stop(self) -> None:
        """Every connection is cut and every message lost."""
        if self.door is None:
            for each in self.folder.rglob("*.msg"):
                each.unlink(missing_ok=True)
            return
        self.door.shut()
        with kombu.Connection(self.real) as connection:
            channel = connection.channel()
            for queue in QUEUES:
                channel.queue_purge(queue)

    def start(self) -> None:
        if self.door is not None:
            self.door.open()

    def close(self) -> None:
        if self.door is not None:
            self.door.shut()


class _Door:
    """A loopback port that forwards to `there` while it is open."""

    def __init__(self, there: tuple[str, int]) -> None:
        self.there = there
        self.port = 0
        self.listening: socket.socket | None = None
        self.passing: list[socket.socket] = []
        self.open()

    def open(self) -> None:
        self.listening = socket.create_server(("127.0.0.1", self.port))
        self.port = self.listening.getsockname()[1]
        threading.Thread(target=self._let_in, args=[self.listening], daemon=True).start()

    def shut(self) -> None:
        for each in [self.listening, *self.passing]:
            if each is not None:
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)
                each.close()
        self.listening, self.passing = None, []

    def _let_in(self, listening: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                caller, _address = listening.accept()
                called = socket.create_connection(self.there)
                self.passing += [caller, called]
                for one, other in ((caller, called), (called, caller)):
                    threading.Thread(target=_carry, args=[one, other], daemon=True).start()


def _carry(one: socket.socket, other: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while chunk := one.recv(65536):
            other.sendall(chunk)
    for each in (one, other):
        with contextlib.suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
