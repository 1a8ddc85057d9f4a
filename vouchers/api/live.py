"""A long answer that says how far it is: JSON lines from work done beside the response."""

import json
from collections.abc import Callable, Iterator
from queue import SimpleQueue
from threading import Thread
from typing import Any

from django.db import connection

Tell = Callable[[int], None]


def told_live(work: Callable[[Tell], dict[str, Any]]) -> Iterator[str]:
    """A line {"percent": n} each time `work` tells one, and last what `work` returns; a crash of
    `work` is raised here, which cuts the answer off."""
    queue: SimpleQueue[tuple[str, Any]] = SimpleQueue()

    def run() -> None:
        try:
            queue.put(("done", work(lambda percent: queue.put(("percent", percent)))))
        except BaseException as error:  # raised where the answer is read
            queue.put(("crash", error))
        finally:
            connection.close()

    Thread(target=run, daemon=True).start()
    while True:
        kind, said = queue.get()
        if kind == "crash":
            raise said
        line = {"percent": said} if kind == "percent" else said
        yield json.dumps(line, ensure_ascii=False) + "\n"
        if kind == "done":
            return
