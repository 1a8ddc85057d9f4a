"""`python -m providers.connectors CONFIG [--once]`: the agent, without Django."""

import argparse
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from .agent import Answer, BadConfig, load_config, run_once
from .prometheus import Get, NotAnswered


def post(url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
    """POST; a server that is away is an OSError."""
    try:
        return httpx.post(url, content=body, headers=dict(headers), timeout=60)
    except httpx.HTTPError as error:
        raise OSError(str(error)) from error


def getter(base: str) -> Get:
    """How to ask the Prometheus at `base`."""

    def get(path: str, parameters: Mapping[str, str]) -> Any:
        try:
            return httpx.get(base.rstrip("/") + path, params=dict(parameters), timeout=60).json()
        except httpx.HTTPError as error:
            raise OSError(str(error)) from error
        except ValueError as error:
            raise NotAnswered("not JSON") from error

    return get


def main(words: list[str] | None = None) -> int:
    """Run rounds until told to stop, or one with --once; 1 when the last one had a problem."""
    parser = argparse.ArgumentParser(prog="meter_agent", description=__doc__)
    parser.add_argument("config", type=Path)
    parser.add_argument("--once", action="store_true", help="one round, then stop")
    parser.add_argument("--every", type=int, default=300, help="seconds between rounds")
    asked = parser.parse_args(words)
    try:
        config = load_config(asked.config)
    except BadConfig as error:
        print(error, file=sys.stderr)
        return 2
    while True:
        told = run_once(config, now=datetime.now(UTC), post=post, get=getter)
        print(
            f"spooled {told.spooled} events, sent {told.sent} batches, "
            f"refused {told.refused}, waiting {told.waiting}",
            flush=True,
        )
        for problem in told.problems:
            print(problem, file=sys.stderr, flush=True)
        if asked.once:
            return 1 if told.problems else 0
        time.sleep(asked.every)


if __name__ == "__main__":
    sys.exit(main())
