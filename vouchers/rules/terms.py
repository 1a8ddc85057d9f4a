"""Terms: a checked document, what in it is still unknown, and its digest."""

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from vouchers.rules.answers import TermsError, TermsProblem
from vouchers.rules.canonical import canonical_json, digest
from vouchers.rules.parameter_words import words_for
from vouchers.rules.validate_terms import validate_terms

_NEEDED: Mapping[str, tuple[str, ...]] = {
    "rate": ("basis", "rate"),
    "tiers_marginal": ("basis",),
    "tiers_whole": ("basis",),
    "threshold_rate": ("basis", "rate", "threshold_fen"),
    "lump_sum": ("amount_fen",),
    "in_kind": ("quantity",),
    "face_value": ("basis", "denominations_fen"),
    "matching_grant": ("basis", "rate"),
    "interest_subsidy": ("basis", "rate_points", "interest_share"),
    "per_kwh": ("fen_per_kwh",),
    "ranked_pool": ("pool_fen", "winners", "split"),
    "case_by_case": ("amount_fen",),
}


@dataclass(frozen=True)
class Missing:
    """One parameter the source does not state; the policy cannot be opened without it."""

    pointer: str
    text_en: str
    text_zh: str

    def as_dict(self) -> dict[str, str]:
        return {"pointer": self.pointer, "text_en": self.text_en, "text_zh": self.text_zh}


def _missing(pointer: str, key: str) -> Missing:
    """`key` names the parameter for people; a cap's amount is called the ceiling."""
    english, chinese = words_for(
        "cap_fen" if (pointer[:5], key) == ("/caps", "amount_fen") else key
    )
    return Missing(
        f"{pointer}/{key}", f"the source does not state {english}", f"来源未载明{chinese}"
    )


def missing_in(document: Mapping[str, Any]) -> Iterator[Missing]:
    """Every unknown parameter of the benefit and its caps, by pointer."""
    lines = document["benefit"]["lines"]
    if lines is None:
        yield _missing("/benefit", "lines")
    for index, line in enumerate(lines or ()):
        where = f"/benefit/lines/{index}"
        needed = (*_NEEDED[line["mechanic"]], *(key for key in ("cap_fen", "gates") if key in line))
        for key in needed:
            if line.get(key) is None:
                yield _missing(where, key)
        for place, gate in enumerate(line.get("gates") or ()):
            if gate["value"] is None:
                yield _missing(f"{where}/gates/{place}", "value")
        for place, tier in enumerate(line.get("tiers") or ()):
            if tier["rate"] is None:
                yield _missing(f"{where}/tiers/{place}", "rate")
    for index, cap in enumerate(document.get("caps", ())):
        if cap["amount_fen"] is None:
            yield _missing(f"/caps/{index}", "amount_fen")
        elif cap["per"] is None:
            yield _missing(f"/caps/{index}", "per")
    if "gates" in document.get("green", {}) and document["green"]["gates"] is None:
        yield _missing("/green", "gates")
    for index, minimum in enumerate(document.get("minimums", {}).get("spend", ())):
        if minimum["amount_fen"] is None:
            yield _missing(f"/minimums/spend/{index}", "amount_fen")


@dataclass(frozen=True)
class Terms:
    """Checked terms of one policy version. Build with `Terms.load`."""

    document: Mapping[str, Any]

    @classmethod
    def load(cls, document: Mapping[str, Any]) -> "Terms":
        """A checked copy of `document`. Raises TermsError with every problem."""
        problems: list[TermsProblem] = validate_terms(document)
        if problems:
            raise TermsError(problems)
        return cls(copy.deepcopy(dict(document)))

    @property
    def id(self) -> str:
        return str(self.document["programme"]["id"])

    @property
    def name_zh(self) -> str:
        return str(self.document["programme"]["name_zh"])

    @property
    def name_en(self) -> str:
        return str(self.document["programme"].get("name_en") or self.name_zh)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the canonical document: what "the same terms" means."""
        return digest(self.document)

    @cached_property
    def canonical_json(self) -> str:
        return canonical_json(self.document)

    @property
    def policy_version(self) -> str:
        """Default name of this version when the caller has none: id and the digest's beginning."""
        return f"{self.id}@{self.digest[:12]}"

    @cached_property
    def missing(self) -> tuple[Missing, ...]:
        """Parameters of benefit and caps the source does not state."""
        return tuple(missing_in(self.document))

    @property
    def complete(self) -> bool:
        """Whether an officer may open a programme on these terms as they are."""
        return not self.missing

    def clause(self, name: str) -> Mapping[str, Any]:
        """A top-level clause, or an empty one."""
        found: Mapping[str, Any] = self.document.get(name) or {}
        return found
