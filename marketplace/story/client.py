"""A small client of our own API, as any integrator would write it."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx


class StoryFailed(Exception):
    """A step did not do what the story says; the text names the step and the answer."""


class Client:
    """Speaks for one member of the cast. `story` prefixes idempotency keys."""

    def __init__(self, base_url: str, key: str, *, story: str) -> None:
        self._story = story
        self._http = httpx.Client(
            base_url=f"{base_url}/api/v1",
            headers={"Authorization": f"Api-Key {key}", "Accept-Language": "en"},
            timeout=60,
            trust_env=False,
        )

    def get(self, path: str, **query: Any) -> Any:
        """One object."""
        return self._read(self._http.get(path, params=query), path)

    def all(self, path: str, **query: Any) -> Iterator[dict[str, Any]]:
        """Every row of a list, following its cursor."""
        page = self.get(path, page_size=500, **query)
        while True:
            yield from page["results"]
            if not page["next"]:
                return
            page = self._read(self._http.get(page["next"]), path)

    def post(self, path: str, body: Any = None, *, step: str) -> Any:
        """Do something once: the same `step` again gets the stored answer."""
        response = self._http.post(
            path, json=body or {}, headers={"Idempotency-Key": f"{self._story}:{step}"}
        )
        return self._read(response, path)

    def refused(self, path: str, body: Any = None) -> dict[str, Any]:
        """Do something that must be refused; returns the problem."""
        response = self._http.post(path, json=body or {})
        if response.status_code < 400:
            raise StoryFailed(f"POST {path} should have been refused: {response.text[:300]}")
        return dict(response.json())

    def _read(self, response: httpx.Response, path: str) -> Any:
        if response.is_success:
            return response.json() if response.content else None
        raise StoryFailed(f"{path}: {response.status_code} {response.text[:800]}")


def wait_until(what: str, ready: Callable[[], Any], *, seconds: float = 120) -> Any:
    """Ask until `ready` answers something true; the real worker is at work meanwhile."""
    ends = time.monotonic() + seconds
    while True:
        answer = ready()
        if answer:
            return answer
        if time.monotonic() > ends:
            raise StoryFailed(f"waited {seconds:.0f} s for {what}")
        time.sleep(0.4)
