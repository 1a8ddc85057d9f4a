"""Who gets what when more is asked than there is: first come, ranked, lottery, pro rata.

The lottery's order is SHA-256 of "seed:id": with the seed published beforehand, anybody can
recompute it.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Request:
    """One application's amount; asked_at and score matter only to the methods that use them."""

    id: str
    amount_fen: int
    asked_at: datetime | None = None
    score: int = 0


def in_order(
    requests: Sequence[Request], budget_fen: int, *, partial: bool = False
) -> dict[str, int]:
    """Id → fen. Each gets all or (when `partial`) what is left; a later smaller one may still fit
    only when `partial` is false and the one before it was passed over."""
    left = budget_fen
    given: dict[str, int] = {}
    for request in requests:
        amount = request.amount_fen if request.amount_fen <= left else left if partial else 0
        given[request.id] = amount
        left -= amount
    return given


def first_come(
    requests: Sequence[Request], budget_fen: int, *, partial: bool = False
) -> dict[str, int]:
    """By instant of asking, then id. Raises ValueError when one has no instant."""
    if any(request.asked_at is None for request in requests):
        raise ValueError("first come needs the instant of every request")
    ordered = sorted(requests, key=lambda one: (one.asked_at, one.id))
    return in_order(ordered, budget_fen, partial=partial)


def ranked(
    requests: Sequence[Request], budget_fen: int, *, partial: bool = False
) -> dict[str, int]:
    """By score, highest first, then id."""
    return in_order(
        sorted(requests, key=lambda one: (-one.score, one.id)), budget_fen, partial=partial
    )


def draw(ids: Sequence[str], seed: str) -> list[str]:
    """Ids in the order of the lottery with this published seed."""
    return sorted(
        ids, key=lambda name: (hashlib.sha256(f"{seed}:{name}".encode()).hexdigest(), name)
    )


def lottery(
    requests: Sequence[Request], budget_fen: int, *, seed: str, partial: bool = False
) -> dict[str, int]:
    """By the draw; independent of the order in which requests are given."""
    by_id = {request.id: request for request in requests}
    return in_order([by_id[name] for name in draw(list(by_id), seed)], budget_fen, partial=partial)


def pro_rata(requests: Sequence[Request], budget_fen: int) -> dict[str, int]:
    """Everybody in proportion, by largest remainder (ties: smaller id); sums to the budget exactly
    when more is asked, and nobody gets more than asked."""
    total = sum(request.amount_fen for request in requests)
    if total <= budget_fen:
        return {request.id: request.amount_fen for request in requests}
    given = {one.id: one.amount_fen * budget_fen // total for one in requests}
    by_remainder = sorted(
        requests, key=lambda one: (-(one.amount_fen * budget_fen % total), one.id)
    )
    for request in by_remainder[: budget_fen - sum(given.values())]:
        given[request.id] += 1
    return given
