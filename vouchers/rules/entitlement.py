"""Ask before applying: how much, why not more, and what would change it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from vouchers.rules.answers import Evaluation, Usage
from vouchers.rules.evaluate import evaluate
from vouchers.rules.exact import fraction_of, yuan_text_en, yuan_text_zh
from vouchers.rules.facts import CATALOGUE
from vouchers.rules.stacking import BestCombination, Offer, best_combination
from vouchers.rules.terms import Terms
from vouchers.rules.uses import allowed_facts, bases_used

SETTLED_BY_NATURE = frozenset(
    {"entity_type", "voucher_kind"}
)  # not a thing to change one's answer on


@dataclass(frozen=True)
class Change:
    """One dated fact that would change the answer. amount_fen: the amount then, None if unknown."""

    fact: str | None
    clause: str
    value: Any
    amount_fen: int | None
    text_en: str
    text_zh: str

    def as_dict(self) -> dict[str, Any]:
        return {
            "fact": self.fact,
            "clause": self.clause,
            "value": self.value,
            "amount_fen": self.amount_fen,
            "text_en": self.text_en,
            "text_zh": self.text_zh,
        }


@dataclass(frozen=True)
class Entitlement:
    evaluation: Evaluation
    would_change: tuple[Change, ...]

    def as_dict(self) -> dict[str, Any]:
        return {
            **self.evaluation.as_dict(),
            "would_change": [change.as_dict() for change in self.would_change],
        }


def relevant_facts(terms: Terms, facts: Mapping[str, Any]) -> dict[str, Any]:
    """The part of an enterprise's facts this policy takes; unknown names are kept to be refused."""
    allowed = allowed_facts(terms.document)
    return {
        name: value for name, value in facts.items() if name in allowed or name not in CATALOGUE
    }


def _alternatives(terms: Terms, facts: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Values of the yes/no and choice facts in `when` that are not the given ones."""
    names: dict[str, None] = {}
    for line in terms.document["benefit"]["lines"] or ():
        names |= dict.fromkeys(line.get("when", {}))
    found: list[tuple[str, Any]] = []
    for name in names:
        fact = CATALOGUE[name]
        if name not in SETTLED_BY_NATURE:
            values: tuple[Any, ...] = (True, False) if fact.type == "bool" else fact.choices
            found += [(name, value) for value in values if facts.get(name) != value]
    return found


def entitlement(
    terms: Terms,
    facts: Mapping[str, Any],
    *,
    at: datetime,
    used: Usage | None = None,
    policy_version: str | None = None,
    preset: str | None = None,
) -> Entitlement:
    """The evaluation, each clause that stands in the way, and each choice that would give more.

    Facts this policy has no use for are left aside, so one file of facts serves every programme.
    """
    mine = relevant_facts(terms, facts)
    now = evaluate(terms, mine, at=at, used=used, policy_version=policy_version, preset=preset)
    changes = [
        Change(reason.fact, reason.clause, None, None, reason.text_en, reason.text_zh)
        for reason in now.reasons
        if reason.status in ("unmet", "unknown")
    ]
    for name, value in _alternatives(terms, mine):
        then = evaluate(terms, {**mine, name: value}, at=at, used=used)
        if then.amount_fen is not None and then.amount_fen > (now.amount_fen or 0):
            known = CATALOGUE[name]
            changes.append(
                Change(
                    name,
                    "/benefit/lines",
                    value,
                    then.amount_fen,
                    f"with {name} = {value} ({known.text_en}): {yuan_text_en(then.amount_fen)}",
                    f"若{known.text_zh}为 {value}：{yuan_text_zh(then.amount_fen)}",
                )
            )
    return Entitlement(now, tuple(changes))


@dataclass(frozen=True)
class BestOf:
    """Every programme's answer for one enterprise, and the best legal combination of them."""

    entitlements: Mapping[str, Entitlement]
    combination: BestCombination

    def as_dict(self) -> dict[str, Any]:
        best, rival = self.combination.best, self.combination.runner_up
        return {
            "entitlements": {name: one.as_dict() for name, one in self.entitlements.items()},
            "best": best.as_dict(),
            "runner_up": rival.as_dict() if rival else None,
            "conflicts": [list(pair) for pair in self.combination.conflicts],
        }


def offer_of(terms: Terms, answer: Evaluation) -> Offer:
    """What a granted answer brings into a combination, with the programme's stacking clause."""
    stacking = terms.clause("stacking")
    bases = [answer.facts[name] for name in bases_used(terms.document) if name in answer.facts]
    rate = stacking.get("total_aid_rate")
    amount = answer.amount_fen if answer.decision == "granted" and answer.amount_fen else 0
    return Offer(
        id=terms.id,
        amount_fen=amount,
        basis_fen=max(bases, default=amount),
        excludes=frozenset(stacking.get("excludes", ())),
        alone=bool(stacking.get("no_other_public_aid")),
        total_aid_rate=None if rate is None else fraction_of(rate),
        after=frozenset(stacking.get("after", ())),
    )


def best_of(
    programmes: Mapping[str, Terms],
    facts: Mapping[str, Any],
    *,
    at: datetime,
    used: Mapping[str, Usage] | None = None,
) -> BestOf:
    """One enterprise asks all programmes (id → terms) at once; `used` is per id."""
    past = used or {}
    answers = {
        name: entitlement(terms, facts, at=at, used=past.get(name), preset=name)
        for name, terms in sorted(programmes.items())
    }
    offers = [offer_of(terms, answers[name].evaluation) for name, terms in programmes.items()]
    return BestOf(answers, best_combination(offers))
