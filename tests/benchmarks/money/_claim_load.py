"""Send each claim of a file once over keep-alive connections: wrk where it is, else Python.

`python -m tests.benchmarks.money._claim_load PORT FILE CONNECTIONS SECONDS` is the Python one; it
takes more of the machine from what is measured than wrk does, and the figure says which was used.
"""

import asyncio
import json
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

LUA = Path(__file__).with_name("_claims.lua")


def load(port: int, claims: Path, *, connections: int, seconds: int) -> dict[str, Any]:
    """requests, seconds, p50_ms, p99_ms, not_2xx, socket_errors, generator."""
    if wrk := shutil.which("wrk"):
        command = [wrk, "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s"]
        command += ["-s", str(LUA), f"http://127.0.0.1:{port}/", "--", str(claims), "1"]
        generator = "wrk"
    else:
        command = [sys.executable, "-m", "tests.benchmarks.money._claim_load", str(port)]
        command += [str(claims), str(connections), str(seconds)]
        generator = "python"
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return {**json.loads(done.stdout.strip().splitlines()[-1]), "generator": generator}


class Connection(asyncio.Protocol):
    """One keep-alive connection: the next request as soon as the last answer is whole."""

    def __init__(self, requests: Any, until: float, seen: list[float], wrong: list[int]) -> None:
        self.requests, self.until, self.seen, self.wrong = requests, until, seen, wrong
        self.ended = asyncio.get_running_loop().create_future()
        self.buffer = b""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.next()

    def next(self) -> None:
        request = next(self.requests, None) if time.perf_counter() < self.until else None
        if request is None:
            self.transport.close()
            return
        self.began = time.perf_counter()
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head, blank, body = self.buffer.partition(b"\r\n\r\n")
        if not blank:
            return
        length = head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0]
        if len(body) < int(length or b"0"):
            return
        self.seen.append(time.perf_counter() - self.began)
        if head[9:10] != b"2":
            self.wrong.append(int(head[9:12]))
        self.buffer = b""
        self.next()

    def connection_lost(self, error: Exception | None) -> None:
        self.ended.set_result(error)


async def send_all(port: int, claims: Path, connections: int, seconds: float) -> dict[str, Any]:
    requests = iter(
        [
            f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Claim {token}\r\n"
            f"Idempotency-Key: load-{number}\r\nContent-Length: 0\r\n\r\n".encode()
            for number, (path, token) in enumerate(
                line.split() for line in claims.read_text().splitlines()
            )
        ]
    )
    seen: list[float] = []
    wrong: list[int] = []
    began = time.perf_counter()
    loop = asyncio.get_running_loop()
    opened = [
        await loop.create_connection(
            lambda: Connection(requests, began + seconds, seen, wrong), "127.0.0.1", port
        )
        for _ in range(connections)
    ]
    ends = await asyncio.gather(*(protocol.ended for _transport, protocol in opened))
    took = time.perf_counter() - began
    points = statistics.quantiles(seen, n=100)
    return {
        "requests": len(seen),
        "seconds": round(took, 3),
        "p50_ms": round(points[49] * 1000, 3),
        "p99_ms": round(points[98] * 1000, 3),
        "not_2xx": len(wrong),
        "socket_errors": sum(end is not None for end in ends),
    }


if __name__ == "__main__":
    port, claims, connections, seconds = sys.argv[1:]
    print(
        json.dumps(asyncio.run(send_all(int(port), Path(claims), int(connections), float(seconds))))
    )
