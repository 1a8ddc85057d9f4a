"""The order of a lottery, from a published seed: anybody can compute it again.

An entry's ticket is SHA-256 of "seed:USCC" in hexadecimal; the smallest ticket is served first. The
seed is a secret until the draw, and its SHA-256 is published before the window opens.
`docs/draw_order.py` is the same rule for outsiders, without this code.
"""

import hashlib
from collections.abc import Iterable


def commitment_of(seed: str) -> str:
    """What is published before the window opens."""
    return hashlib.sha256(seed.encode()).hexdigest()


def ticket_of(seed: str, uscc: str) -> str:
    """An entry's ticket."""
    return hashlib.sha256(f"{seed}:{uscc}".encode()).hexdigest()


def draw_order(seed: str, usccs: Iterable[str]) -> list[str]:
    """`usccs` in the order of serving."""
    return sorted(usccs, key=lambda uscc: (ticket_of(seed, uscc), uscc))
