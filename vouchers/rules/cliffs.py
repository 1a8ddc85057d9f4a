"""Where one fen changes a lot: the cliffs a policy declares, and who sits beside them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vouchers.rules.exact import yuan_text_en, yuan_text_zh
from vouchers.rules.facts import CATALOGUE
from vouchers.rules.terms import Terms


@dataclass(frozen=True)
class Cliff:
    """A jump at `at_fen` of `fact`. upward: more earns suddenly more; else suddenly less."""

    pointer: str
    fact: str
    at_fen: int
    upward: bool

    @property
    def text_en(self) -> str:
        word = "starts" if self.upward else "ends"
        return f"the benefit {word} at {yuan_text_en(self.at_fen)} ({CATALOGUE[self.fact].text_en})"

    @property
    def text_zh(self) -> str:
        word = "起付" if self.upward else "止付"
        return f"{CATALOGUE[self.fact].text_zh}在 {yuan_text_zh(self.at_fen)} 处{word}"

    def as_dict(self) -> dict[str, Any]:
        return {
            "pointer": self.pointer,
            "fact": self.fact,
            "at_fen": self.at_fen,
            "upward": self.upward,
            "text_en": self.text_en,
            "text_zh": self.text_zh,
        }


def _of_line(line: Mapping[str, Any], where: str) -> Iterator[Cliff]:
    if line["mechanic"] == "threshold_rate" and line.get("threshold_on", "whole") == "whole":
        if line["threshold_fen"] is not None:
            yield Cliff(f"{where}/threshold_fen", line["basis"], line["threshold_fen"], True)
    elif line["mechanic"] == "tiers_whole":
        for index, tier in enumerate(line["tiers"]):
            if tier["from_fen"]:
                yield Cliff(
                    f"{where}/tiers/{index}/from_fen", line["basis"], tier["from_fen"], True
                )
    for name, wanted in line.get("when", {}).items():
        if isinstance(wanted, Mapping) and CATALOGUE[name].type == "fen":
            for op, bound in wanted.items():
                upward = op in ("at_least", "above")
                yield Cliff(f"{where}/when/{name}", name, int(bound), upward)


def cliffs(terms: Terms) -> tuple[Cliff, ...]:
    """Every amount of money at which the terms jump, in the order of the document."""
    found: list[Cliff] = []
    for index, line in enumerate(terms.document["benefit"]["lines"] or ()):
        found += _of_line(line, f"/benefit/lines/{index}")
    for index, minimum in enumerate(terms.clause("minimums").get("spend", ())):
        if minimum["amount_fen"]:
            where = f"/minimums/spend/{index}/amount_fen"
            found.append(Cliff(where, minimum["fact"], minimum["amount_fen"], True))
    return tuple(found)


def beside(cliff: Cliff, values: NDArray[np.int64], *, within_fen: int) -> tuple[int, int]:
    """(claims just below, claims at or just above) a cliff, within `within_fen` of it."""
    below = (values < cliff.at_fen) & (values >= cliff.at_fen - within_fen)
    above = (values >= cliff.at_fen) & (values < cliff.at_fen + within_fen)
    return int(below.sum()), int(above.sum())
