"""Netting between two regions: what each owes the other, and the one payment that is left.

Integers only; the order of entries never matters, and what one side is owed is what the other owes.
"""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Net:
    """Between `one` and `other`, in fen: gross both ways, and what is left after netting."""

    one_owes_fen: int
    other_owes_fen: int

    @property
    def netted_fen(self) -> int:
        """What cancels out."""
        return min(self.one_owes_fen, self.other_owes_fen)

    @property
    def one_pays_fen(self) -> int:
        return self.one_owes_fen - self.netted_fen

    @property
    def other_pays_fen(self) -> int:
        return self.other_owes_fen - self.netted_fen


def net(entries: Iterable[tuple[int, int, int]], *, one: int, other: int) -> Net:
    """Net (debtor, creditor, fen) entries between two parties.

    Raises ValueError for an amount that is not positive or a party that is neither of the two.
    """
    owed = {(one, other): 0, (other, one): 0}
    for debtor, creditor, amount_fen in entries:
        if amount_fen <= 0 or (debtor, creditor) not in owed:
            raise ValueError("an entry is a positive amount between the two")
        owed[debtor, creditor] += amount_fen
    return Net(owed[one, other], owed[other, one])
