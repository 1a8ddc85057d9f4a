"""What the engine answers with (reasons, steps, an evaluation) and what it is told of the past."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any, Literal

from vouchers.rules.canonical import canonical_json, digest

DecisionWord = Literal["granted", "refused", "incomplete"]
Status = Literal["met", "unmet", "unknown", "note"]
Stage = Literal["applied", "redeemed"]


@dataclass(frozen=True)
class Reason:
    """One clause and how it stands.

    status: met; unmet (refuses); unknown (a fact or a parameter is missing: the decision is
    incomplete); note (a person checks it, or it only informs; it never changes the decision).
    clause: JSON pointer into the terms. fact: the fact that was looked at, if one was.
    """

    code: str
    clause: str
    text_en: str
    text_zh: str
    status: Status
    fact: str | None = None

    @property
    def satisfied(self) -> bool:
        """True when the clause holds or only informs."""
        return self.status in ("met", "note")

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "satisfied": self.satisfied}


@dataclass(frozen=True)
class Step:
    """One intermediate of a calculation. value: int, or an exact decimal/fraction as text."""

    name: str
    value: int | str
    unit: str
    text_en: str
    text_zh: str

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class InKind:
    """A grant in kind, for example card-hours; never money. quantity is a decimal string."""

    quantity: str
    unit: str
    at_least: bool
    text_en: str
    text_zh: str

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Evaluation:
    """The whole answer. `amount_fen` may be paid only when `decision` is "granted".

    granted: every clause holds; amount_fen > 0 (or something in kind).
    refused: a clause fails; amount_fen is 0 and the steps still show the calculation.
    incomplete: a fact or a parameter of the policy is unknown; amount_fen is what follows from
    what is known (not payable), or None when nothing can be computed.
    """

    decision: DecisionWord
    amount_fen: int | None
    reasons: tuple[Reason, ...]
    steps: tuple[Step, ...]
    policy_version: str
    preset: str | None
    at: str
    facts: Mapping[str, Any]
    used: tuple[Mapping[str, Any], ...]
    terms_digest: str
    in_kind: tuple[InKind, ...] = ()

    @property
    def unmet(self) -> tuple[Reason, ...]:
        return tuple(reason for reason in self.reasons if reason.status == "unmet")

    @property
    def unknown(self) -> tuple[Reason, ...]:
        return tuple(reason for reason in self.reasons if reason.status == "unknown")

    def as_dict(self) -> dict[str, Any]:
        """JSON-able; holds the inputs, so the answer can be recomputed from it and the terms."""
        return {
            "decision": self.decision,
            "amount_fen": self.amount_fen,
            "currency": "CNY",
            "in_kind": [grant.as_dict() for grant in self.in_kind],
            "reasons": [reason.as_dict() for reason in self.reasons],
            "steps": [step.as_dict() for step in self.steps],
            "policy_version": self.policy_version,
            "preset": self.preset,
            "at": self.at,
            "facts": dict(self.facts),
            "used": [dict(entry) for entry in self.used],
            "terms_digest": self.terms_digest,
        }

    def canonical_json(self) -> str:
        return canonical_json(self.as_dict())

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical form: equal for a replay, byte for byte."""
        return digest(self.as_dict())


@dataclass(frozen=True)
class UsageEntry:
    """Public money of this programme that one enterprise already has, each fen counted once.

    on: civil day in Shanghai. stage: "applied" (granted, not yet redeemed) or "redeemed".
    """

    on: date
    amount_fen: int
    stage: Stage = "applied"
    contract_ref: str | None = None
    voucher_ref: str | None = None
    uscc: str | None = None

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "on": self.on.isoformat()}


@dataclass(frozen=True)
class Usage:
    """What was used before; for a control group, the entries of all its companies."""

    entries: tuple[UsageEntry, ...] = field(default=())

    @classmethod
    def in_year(cls, year: int, *, applied_fen: int = 0, redeemed_fen: int = 0) -> "Usage":
        """Totals of one natural year, when single entries do not matter."""
        day = date(year, 12, 31)
        both = (UsageEntry(day, applied_fen, "applied"), UsageEntry(day, redeemed_fen, "redeemed"))
        return cls(tuple(entry for entry in both if entry.amount_fen))

    @classmethod
    def from_dicts(cls, rows: Iterable[Mapping[str, Any]]) -> "Usage":
        """The inverse of the `used` list of `Evaluation.as_dict()`."""
        return cls(
            tuple(UsageEntry(**{**row, "on": date.fromisoformat(row["on"])}) for row in rows)
        )


@dataclass(frozen=True)
class TermsProblem:
    """One thing wrong with a terms document. pointer: JSON pointer to the field."""

    pointer: str
    code: str
    text_en: str
    text_zh: str

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


class RuleError(Exception):
    """A typed refusal of input; `code`, `field` (JSON pointer or fact name), two texts."""

    def __init__(self, code: str, field: str, text_en: str, text_zh: str) -> None:
        super().__init__(f"{field}: {text_en}")
        self.code, self.field, self.text_en, self.text_zh = code, field, text_en, text_zh

    def as_dict(self) -> dict[str, Any]:
        return {
            "code": self.code,
            "field": self.field,
            "text_en": self.text_en,
            "text_zh": self.text_zh,
        }


class FactsError(RuleError):
    """Facts that cannot be used: unknown name, wrong unit, wrong type. Lists every problem."""

    def __init__(self, problems: Iterable[RuleError]) -> None:
        self.problems = tuple(problems)
        first = self.problems[0]
        super().__init__(first.code, first.field, first.text_en, first.text_zh)

    def as_dict(self) -> dict[str, Any]:
        return {"problems": [problem.as_dict() for problem in self.problems]}


class TermsError(RuleError):
    """A terms document that is not valid; `problems` holds each."""

    def __init__(self, problems: Iterable[TermsProblem]) -> None:
        self.problems = tuple(problems)
        first = self.problems[0]
        super().__init__(first.code, first.pointer, first.text_en, first.text_zh)
