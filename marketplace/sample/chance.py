"""Chance that never changes: a draw is a hash of the seed and of what is drawn.

Random generators may change between versions; SHA-256 does not. Draws do not depend on the order in
which they are made, so adding a facility leaves all others as they were.
"""

import hashlib
from collections.abc import Sequence
from typing import TypeVar

Item = TypeVar("Item")


def draw(seed: int, *labels: object) -> int:
    """A whole number 0 <= n < 2**64 that belongs to these labels."""
    text = "|".join([str(seed), *(str(label) for label in labels)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def choose(options: Sequence[Item], seed: int, *labels: object) -> Item:
    """One of `options`, each as likely as the others."""
    return options[draw(seed, *labels) * len(options) >> 64]


def choose_weighted(options: Sequence[tuple[Item, int]], seed: int, *labels: object) -> Item:
    """One of (item, weight), by whole-number weights."""
    ticket = draw(seed, *labels) * sum(weight for _, weight in options) >> 64
    for item, weight in options:
        if ticket < weight:
            return item
        ticket -= weight
    raise AssertionError("weights are positive")
