"""Serve an ASGI application in this one process until SIGTERM or Ctrl-C.

One process, so that SIGKILL leaves no orphan behind that still holds the port.
"""

import asyncio
import signal
import socket
from collections.abc import Awaitable, Callable
from typing import Any

from granian.constants import Interfaces
from granian.server.embed import Server


async def serve(
    application: Any, *, host: str, port: int, beside: Callable[[], Awaitable[None]]
) -> None:
    """Serve on `host`:`port` and run `beside` until the server ends or `beside` fails.

    Raises SystemExit where another process listens there already.
    """
    _refuse_a_taken_port(host, port)
    server = Server(
        application,
        address=host,
        port=port,
        interface=Interfaces.ASGINL,
        websockets=False,
        log_enabled=False,
    )
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, server.signal_handler_interrupt)
    serving = asyncio.create_task(server.serve())
    working = asyncio.ensure_future(beside())
    done, _ = await asyncio.wait({serving, working}, return_when=asyncio.FIRST_COMPLETED)
    working.cancel()
    if serving not in done:
        server.signal_handler_interrupt()
        await serving
    for task in done:
        task.result()


def _refuse_a_taken_port(host: str, port: int) -> None:
    """The server sets SO_REUSEPORT, so it would silently share the port with a forgotten twin."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise SystemExit(f"Cannot listen on {host}:{port}: {error.strerror}") from None
