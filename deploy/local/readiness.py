"""How to see that a process is ready: by what it answers, or by what it wrote to its log."""

import http.client
import urllib.error
import urllib.request
from collections.abc import Callable

from deploy.local.child import Child

Ready = Callable[[Child], bool]
# A proxy of the machine's owner has no business between us and loopback.
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def answers(port: int, path: str) -> Ready:
    """200 at `path` of a loopback port."""

    def ready(child: Child) -> bool:
        try:
            with _direct.open(f"http://127.0.0.1:{port}{path}", timeout=2) as answer:
                return bool(answer.status == 200)
        except (OSError, urllib.error.URLError, http.client.HTTPException):
            return False

    return ready


def says(word: bytes) -> Ready:
    """The word stands in the log since the last start."""
    return lambda child: word in child.said()
