"""The sheet a calculation is written on: every intermediate, every reason, nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from vouchers.rules.answers import InKind, Reason, Status, Step
from vouchers.rules.exact import fraction_of, yuan_text_en, yuan_text_zh
from vouchers.rules.facts import CATALOGUE
from vouchers.rules.parameter_words import words_for


@dataclass
class Worksheet:
    """Collects steps and reasons while one part of the terms is applied.

    pointer: JSON pointer of that part. facts: checked facts. `unknown` counts missing things.
    """

    facts: Mapping[str, Any]
    pointer: str = ""
    steps: list[Step] = field(default_factory=list)
    reasons: list[Reason] = field(default_factory=list)
    in_kind: list[InKind] = field(default_factory=list)

    def at(self, pointer: str) -> "Worksheet":
        """A fresh sheet for another part of the same terms."""
        return Worksheet(self.facts, pointer)

    def absorb(self, other: "Worksheet") -> None:
        self.steps += other.steps
        self.reasons += other.reasons
        self.in_kind += other.in_kind

    def step(self, name: str, value: int | str | Fraction, unit: str, en: str, zh: str) -> None:
        kept = str(value) if isinstance(value, Fraction) else value
        self.steps.append(Step(name, kept, unit, en, zh))

    def money(self, name: str, amount_fen: int, en: str, zh: str) -> None:
        """A step in fen; the texts get the amount appended for people."""
        self.step(
            name,
            amount_fen,
            "fen",
            f"{en}: {yuan_text_en(amount_fen)}",
            f"{zh}：{yuan_text_zh(amount_fen)}",
        )

    def reason(
        self, status: Status, code: str, en: str, zh: str, *, at: str = "", fact: str | None = None
    ) -> None:
        self.reasons.append(Reason(code, self.pointer + at, en, zh, status, fact))

    def judge(
        self, holds: bool, code: str, en: str, zh: str, *, at: str = "", fact: str | None = None
    ) -> bool:
        self.reason("met" if holds else "unmet", code, en, zh, at=at, fact=fact)
        return holds

    def fact(self, name: str, *, at: str = "") -> Any:
        """The fact, or None with an unknown reason that names it."""
        value = self.facts.get(name)
        if value is None:
            known = CATALOGUE[name]
            self.reason(
                "unknown",
                "fact_missing",
                f"the fact {name} is not given ({known.text_en})",
                f"缺少事实 {name}（{known.text_zh}）",
                at=at,
                fact=name,
            )
        return value

    def parameter(self, part: Mapping[str, Any], key: str) -> Any:
        """A parameter of the terms, or None with an unknown reason when it is null or absent."""
        value = part.get(key)
        if value is None:
            english, chinese = words_for(key)
            self.reason(
                "unknown",
                "parameter_unknown",
                f"the source does not state {english}",
                f"来源未载明{chinese}",
                at=f"/{key}",
            )
        return value

    def rate(self, part: Mapping[str, Any], key: str) -> Fraction | None:
        value = self.parameter(part, key)
        return None if value is None else fraction_of(value)
