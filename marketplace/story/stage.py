"""What the steps share: a client for each part, what was made so far, and the checks."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from marketplace.story.cast import Cast
from marketplace.story.client import Client


@dataclass
class Stage:
    """`say` prints progress; `figures` goes into the report; `checks` are (text, held)."""

    base_url: str
    cast: Cast
    say: Callable[[str], None]
    made: dict[str, Any] = field(default_factory=dict)
    figures: dict[str, Any] = field(default_factory=dict)
    checks: list[tuple[str, bool]] = field(default_factory=list)
    _clients: dict[str, Client] = field(default_factory=dict)

    @property
    def since(self) -> datetime:
        """When the cast was gathered; every fixed date of the story counts from here."""
        return self.cast.since

    @property
    def name(self) -> str:
        """Of this play: the same after an interruption, another after `make demo-reset`."""
        return f"story-{self.since:%Y%m%d%H%M%S}"

    def as_(self, username: str) -> Client:
        """The client of one part."""
        if username not in self._clients:
            key = self.cast.keys[username]
            self._clients[username] = Client(self.base_url, key, story=self.name)
        return self._clients[username]

    def check(self, text: str, held: bool) -> None:
        """Note a check; one that fails is shown at once and fails the story at its end."""
        self.checks.append((text, held))
        if not held:
            self.say(f"  CHECK FAILED: {text}")

    def check_refused(self, text: str, problem: dict[str, Any], *codes: str) -> None:
        """Note that something was refused, and with which code."""
        self.check(f"{text} ({problem.get('code')})", problem.get("code") in codes)

    @property
    def violations(self) -> int:
        return sum(not held for _text, held in self.checks)
