"""How kernels are compiled and run: cached where the disk allows it, on plain threads.

Numba keeps compiled code next to the source, else in the user's cache folder; where neither can be
written (read-only image) the kernel is compiled per process instead of failing. Kernels release the
GIL and run on ordinary threads, not on Numba's threading layer, so they may be called after a fork
(Celery prefork) and from several threads at once. Set NUMBA_CACHE_DIR to choose the folder.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numba


def kernel(function: Callable[..., Any]) -> Any:
    """njit, GIL released, cached when a cache folder is writable."""
    return _compiled(function, fastmath=False)


def fast_kernel(function: Callable[..., Any]) -> Any:
    """As ``kernel``, but float minima may be reordered so that they vectorize (no NaN, no inf)."""
    return _compiled(function, fastmath={"nnan", "nsz", "reassoc"})


def _compiled(function: Callable[..., Any], *, fastmath: Any) -> Any:
    try:
        return numba.njit(nogil=True, cache=True, fastmath=fastmath)(function)
    except RuntimeError:  # "cannot cache function: no locator available"
        return numba.njit(nogil=True, cache=False, fastmath=fastmath)(function)


def thread_count() -> int:
    """Cores this process may use, at most 8; MATCHING_THREADS overrides. Results do not depend."""
    asked = os.environ.get("MATCHING_THREADS", "")
    if asked.isdigit() and int(asked) > 0:
        return int(asked)
    return max(1, min(8, len(os.sched_getaffinity(0))))


class Crew:
    """A few threads for the length of one plan."""

    def __init__(self, threads: int | None = None) -> None:
        self.threads = threads or thread_count()
        self._pool = ThreadPoolExecutor(self.threads) if self.threads > 1 else None

    def run(self, calls: Sequence[Callable[[], Any]]) -> list[Any]:
        """Results in the order of the calls."""
        if self._pool is None or len(calls) == 1:
            return [call() for call in calls]
        return [future.result() for future in [self._pool.submit(call) for call in calls]]

    def close(self) -> None:
        if self._pool is not None:
            self._pool.shutdown()

    def __enter__(self) -> Crew:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
