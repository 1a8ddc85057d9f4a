"""Several programmes at once: the best legal combination, solved exactly, with the runner-up.

An offer is what one programme alone would give. Two offers exclude each other when either says
so, or when one refuses any other public money. A total-aid ceiling holds the sum of all public
money down to a share of the basis; what is over is taken from the programmes counted last.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from vouchers.rules.exact import floor_to, yuan_text_en, yuan_text_zh


@dataclass(frozen=True)
class Offer:
    """amount_fen: what the programme gives alone. excludes: ids it may not stand beside.
    alone: it refuses any other public money. total_aid_rate: ceiling share of basis_fen, if any.
    after: ids whose aid is counted before."""

    id: str
    amount_fen: int
    basis_fen: int
    excludes: frozenset[str] = frozenset()
    alone: bool = False
    total_aid_rate: Fraction | None = None
    after: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Combination:
    """Amount by offer id, in the order counted; the ids fixed, the total, two texts."""

    amounts: tuple[tuple[str, int], ...]
    total_fen: int

    @property
    def ids(self) -> frozenset[str]:
        return frozenset(name for name, _ in self.amounts)

    @property
    def text_en(self) -> str:
        parts = ", ".join(f"{name} {yuan_text_en(amount)}" for name, amount in self.amounts)
        return f"{parts}: {yuan_text_en(self.total_fen)}" if parts else "nothing"

    @property
    def text_zh(self) -> str:
        parts = "、".join(f"{name} {yuan_text_zh(amount)}" for name, amount in self.amounts)
        return f"{parts}：合计 {yuan_text_zh(self.total_fen)}" if parts else "无"

    def as_dict(self) -> dict[str, Any]:
        return {
            "amounts": [{"id": name, "amount_fen": amount} for name, amount in self.amounts],
            "total_fen": self.total_fen,
            "text_en": self.text_en,
            "text_zh": self.text_zh,
        }


@dataclass(frozen=True)
class BestCombination:
    """best, and the best one that is not a part of it (None when there is no other)."""

    best: Combination
    runner_up: Combination | None
    conflicts: tuple[tuple[str, str], ...]


def in_conflict(one: Offer, other: Offer) -> bool:
    """Whether two offers may not be combined."""
    return other.id in one.excludes or one.id in other.excludes or one.alone or other.alone


def counting_order(offers: Iterable[Offer]) -> list[Offer]:
    """By `after`, then by id. Raises ValueError on a cycle."""
    waiting = {offer.id: offer for offer in offers}
    ordered: list[Offer] = []
    while waiting:
        ready = [name for name, offer in waiting.items() if not offer.after & waiting.keys()]
        if not ready:
            raise ValueError(f"stacking cycle among {', '.join(sorted(waiting))}")
        ordered.append(waiting.pop(min(ready)))
    return ordered


def total_of(offers: Sequence[Offer]) -> int:
    """Fen a set of offers gives together: their sum, held down by each ceiling and by the cost."""
    if not offers:
        return 0
    limits = [max(offer.basis_fen for offer in offers)]
    limits += [
        floor_to(offer.basis_fen * offer.total_aid_rate)
        for offer in offers
        if offer.total_aid_rate is not None
    ]
    return min(sum(offer.amount_fen for offer in offers), *limits)


def divide(offers: Sequence[Offer]) -> Combination:
    """The total handed out in counting order; what gets nothing is left out."""
    total = left = total_of(offers)
    amounts: list[tuple[str, int]] = []
    for offer in counting_order(offers):
        part = min(offer.amount_fen, left)
        left -= part
        if part:
            amounts.append((offer.id, part))
    return Combination(tuple(amounts), total)


def _search(candidates: Sequence[Offer], fixed: tuple[Offer, ...]) -> tuple[Offer, ...]:
    """The best legal set that contains `fixed`: depth first, bounded by the sum still to come."""
    best = fixed
    best_total = total_of(fixed)

    def visit(index: int, chosen: tuple[Offer, ...], total: int) -> None:
        nonlocal best, best_total
        value = total_of(chosen)
        if value > best_total:
            best, best_total = chosen, value
        if (
            index == len(candidates)
            or total + sum(offer.amount_fen for offer in candidates[index:]) <= best_total
        ):
            return
        offer = candidates[index]
        if not any(in_conflict(offer, other) for other in chosen):
            visit(index + 1, (*chosen, offer), total + offer.amount_fen)
        visit(index + 1, chosen, total)

    visit(0, fixed, sum(offer.amount_fen for offer in fixed))
    return best


def best_combination(offers: Sequence[Offer]) -> BestCombination:
    """Exact best over all legal sets, and the best in which an offer outside the best is paid."""
    pool = sorted(
        (offer for offer in offers if offer.amount_fen > 0),
        key=lambda offer: (-offer.amount_fen, offer.id),
    )
    counting_order(pool)
    best = divide(_search(pool, ()))
    rival: Combination | None = None
    for offer in pool:
        if offer.id not in best.ids:
            rest = [other for other in pool if other is not offer and not in_conflict(offer, other)]
            found = divide(_search(rest, (offer,)))
            if offer.id in found.ids and (rival is None or found.total_fen > rival.total_fen):
                rival = found
    conflicts = tuple(
        (one.id, other.id)
        for index, one in enumerate(pool)
        for other in pool[index + 1 :]
        if in_conflict(one, other)
    )
    return BestCombination(best, rival, conflicts)
