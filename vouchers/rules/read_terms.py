"""A terms document written by a person: YAML or JSON text in, a checked reading of it out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from vouchers.rules.answers import RuleError, TermsProblem
from vouchers.rules.render import render
from vouchers.rules.terms import Missing, Terms
from vouchers.rules.validate_terms import validate_terms

LONGEST_TEXT = 200_000


class _Loader(yaml.SafeLoader):
    """Days stay text, as a terms document writes them. No aliases (a few lines of them can stand
    for a document of any size), and no key twice (one of the two would be lost silently)."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.composer.ComposerError(
                None, None, "aliases are not allowed", self.peek_event().start_mark
            )
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _value in node.value:
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"{key.value} stands here twice", key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep=deep)


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


@dataclass(frozen=True)
class TermsCheck:
    """What is wrong with a draft, what it leaves open, and how it reads.

    `clauses` are (中文, English) sentences; empty while there are problems.
    """

    problems: tuple[TermsProblem, ...]
    missing: tuple[Missing, ...]
    clauses: tuple[tuple[str, str], ...]
    digest: str | None

    @property
    def can_be_submitted(self) -> bool:
        """Nothing contradicts itself and nothing is unknown."""
        return not self.problems and not self.missing


def read_terms(text: str) -> dict[str, Any]:
    """The document in `text`. Raises RuleError `malformed` naming line and column."""
    if len(text) > LONGEST_TEXT:
        raise RuleError("malformed", "", "the text is too long", "文本过长")
    try:
        document = yaml.load(text, _Loader)  # noqa: S506 - a safe loader
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        why = getattr(error, "problem", None) or "not YAML or JSON"
        raise RuleError(
            "malformed",
            "",
            f"line {line}, column {column}: {why}",
            f"第 {line} 行第 {column} 列无法读取：{why}",
        ) from error
    if not isinstance(document, dict):
        raise RuleError("malformed", "", "a terms document is an object", "条款文档应为一个对象")
    return document


def check_terms(document: Mapping[str, Any]) -> TermsCheck:
    """Every problem at once, or what the terms say in both languages."""
    problems = tuple(validate_terms(document))
    if problems:
        return TermsCheck(problems, (), (), None)
    terms = Terms.load(document)
    return TermsCheck((), tuple(terms.missing), tuple(render(terms).lines), terms.digest)


def problem_of(error: RuleError) -> TermsProblem:
    """An unreadable text as a problem of the document."""
    return TermsProblem(error.field, error.code, error.text_en, error.text_zh)
