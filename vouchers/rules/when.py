"""Does a line's `when` hold? Three answers: met, unmet, unknown (a fact is not given)."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any, Literal

from vouchers.rules.exact import fraction_of
from vouchers.rules.facts import CATALOGUE

Holds = Literal["met", "unmet", "unknown"]

# What a fact is when nobody says: the compute voucher, paid by the issuer alone.
DEFAULTS: Mapping[str, Any] = {"voucher_kind": "compute", "funding_level": "city"}

OPERATORS = ("one_of", "at_least", "at_most", "above", "below")


def number_of(value: Any) -> Fraction:
    """An int or a decimal text as an exact number."""
    return fraction_of(value)


def compare(value: Any, op: str, bound: Any) -> bool:
    """`value op bound` on exact numbers; op is one of >=, >, <=, <, ==."""
    left, right = number_of(value), number_of(bound)
    return {
        ">=": left >= right,
        ">": left > right,
        "<=": left <= right,
        "<": left < right,
        "==": left == right,
    }[op]


def one_holds(requirement: Any, value: Any) -> bool:
    """Whether `value` satisfies one requirement: a plain value, or a mapping of operators."""
    if not isinstance(requirement, Mapping):
        return bool(value == requirement)
    words = {"at_least": ">=", "at_most": "<=", "above": ">", "below": "<"}
    return all(
        value in bound if op == "one_of" else compare(value, words[op], bound)
        for op, bound in requirement.items()
    )


def when_holds(when: Mapping[str, Any], facts: Mapping[str, Any]) -> tuple[Holds, tuple[str, ...]]:
    """(answer, the facts it hangs on): missing facts when unknown, failing facts when unmet."""
    missing: list[str] = []
    failing: list[str] = []
    for name, requirement in when.items():
        value = facts.get(name, DEFAULTS.get(name))
        if value is None:
            missing.append(name)
        elif not one_holds(requirement, value):
            failing.append(name)
    if failing:
        return "unmet", tuple(failing)
    return ("unknown", tuple(missing)) if missing else ("met", ())


def when_problems(when: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(fact, complaint) for every part of a `when` that no engine could read."""
    found: list[tuple[str, str]] = []
    for name, requirement in when.items():
        fact = CATALOGUE.get(name)
        if fact is None:
            found.append((name, "unknown fact"))
            continue
        bounds: list[Any] = [requirement]
        if isinstance(requirement, Mapping):
            if not requirement or any(op not in OPERATORS for op in requirement):
                found.append((name, f"use a value or one of {', '.join(OPERATORS)}"))
                continue
            bounds = [
                item
                for op, bound in requirement.items()
                for item in (bound if op == "one_of" and isinstance(bound, list) else [bound])
            ]
        if fact.choices:
            found += [
                (name, f"{bound!r} is not a choice")
                for bound in bounds
                if bound not in fact.choices
            ]
        elif fact.type == "bool" and any(not isinstance(bound, bool) for bound in bounds):
            found.append((name, "expected true or false"))
        elif fact.type in ("fen", "int", "rate", "decimal"):
            for bound in bounds:
                try:
                    number_of(bound)
                except ValueError:
                    found.append((name, f"{bound!r} is not a number"))
    return found
