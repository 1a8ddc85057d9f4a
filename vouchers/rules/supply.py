"""An officer supplies what the source does not say: each value with where it comes from, kept."""

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from vouchers.rules.answers import RuleError
from vouchers.rules.terms import Terms


@dataclass(frozen=True)
class Supplied:
    """One value. pointer: JSON pointer of a parameter that is null. source: title, number, date."""

    pointer: str
    value: Any
    source: str


def _place(document: Any, pointer: str) -> tuple[Any, Any]:
    """The container a pointer ends in and its last key. Raises KeyError where there is nothing."""
    node = document
    parts = pointer.lstrip("/").split("/")
    for part in parts[:-1]:
        node = node[int(part)] if isinstance(node, list) else node[part]
    last: Any = int(parts[-1]) if isinstance(node, list) else parts[-1]
    node[last]  # must be there
    return node, last


def supply(terms: Terms, values: Iterable[Supplied]) -> Terms:
    """New terms with the values set; `supplied` in the document keeps each pointer and source.

    Raises RuleError for a parameter that is already stated, unknown, or comes without a source, and
    TermsError where a value does not fit or contradicts the rest.
    """
    document: dict[str, Any] = copy.deepcopy(dict(terms.document))
    kept: list[Mapping[str, Any]] = document.setdefault("supplied", [])
    for one in values:
        if not one.source.strip():
            raise RuleError(
                "source_needed", one.pointer, "name the source of the value", "须注明参数来源"
            )
        try:
            node, key = _place(document, one.pointer)
        except (KeyError, IndexError, ValueError, TypeError):
            raise RuleError(
                "no_such_parameter",
                one.pointer,
                "the terms have no such parameter",
                "条款中没有此参数",
            ) from None
        if node[key] is not None:
            raise RuleError(
                "already_stated",
                one.pointer,
                "the source states this parameter",
                "来源已载明此参数",
            )
        node[key] = copy.deepcopy(one.value)
        kept.append({"pointer": one.pointer, "source": one.source})
    if not kept:
        del document["supplied"]
    return Terms.load(document)
