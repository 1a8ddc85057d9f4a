"""A policy's answer with its reasons, and that answer raised."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from audit.spoken import as_read


@dataclass(frozen=True)
class Actor:
    """Who acts: a person (perhaps through an API key), or the system itself.

    `person_id` is what four-eyes constraints compare; it is None only for the system, which may
    propose but never approve. `lent` names the roles held only because somebody lent them, and who.
    """

    person_id: int | None
    organization_id: int | None
    label: str
    roles: frozenset[str] = frozenset()
    lent: frozenset[tuple[str, int]] = frozenset()

    def has(self, *roles: str) -> bool:
        """Whether the actor holds at least one of `roles`."""
        return not self.roles.isdisjoint(roles)


SYSTEM = Actor(person_id=None, organization_id=None, label="system", roles=frozenset({"system"}))


@dataclass(frozen=True)
class Reason:
    """One clause and whether it holds, in both languages."""

    code: str
    text_en: str
    text_zh: str
    satisfied: bool = False
    clause: str | None = None
    field: str | None = None

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Decision:
    """All reasons at once, and the version of the terms that was applied."""

    allowed: bool
    reasons: tuple[Reason, ...] = ()
    terms_version: str | None = None

    def or_refuse(self) -> "Decision":
        """Return self, or raise Refused with every unmet reason."""
        if not self.allowed:
            raise Refused(self)
        return self

    def as_dict(self) -> dict[str, Any]:
        return {
            "allowed": self.allowed,
            "terms_version": self.terms_version,
            "reasons": [reason.as_dict() for reason in self.reasons],
        }


class Refusal(Exception):
    """A refusal has a name and a reason.

    Subclasses give `code` (what a program reads; derived from the class name), `http_status`,
    `text_en` and `text_zh` (what a person reads; `str.format` with the keyword arguments).
    """

    code: ClassVar[str] = "refused"
    http_status: ClassVar[int] = 409
    # What was written before it was raised is kept: the refusal itself is worth a record.
    keeps_its_record: ClassVar[bool] = False
    text_en: ClassVar[str] = "The request was refused."
    text_zh: ClassVar[str] = "请求被拒绝。"

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "code" not in cls.__dict__:
            cls.code = re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()

    def __init__(self, *, field: str | None = None, **facts: Any) -> None:
        self.field = field
        self.facts: Mapping[str, Any] = facts
        super().__init__(self.sentence("en"))

    def sentence(self, language: str) -> str:
        """The reason in `language` ("zh…" is Chinese, anything else English)."""
        chinese = language.startswith("zh")
        text = self.text_zh if chinese else self.text_en
        return text.format_map(_Facts(as_read(self.facts, chinese=chinese)))

    def reasons(self) -> Sequence[Reason]:
        """Every unmet reason; one for a plain refusal."""
        return (Reason(self.code, self.sentence("en"), self.sentence("zh"), field=self.field),)


class _Facts(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return "?"


class Refused(Refusal):
    """A decision said no; carries all of its reasons."""

    code = "refused_by_policy"
    text_en = "The policy refuses this: {summary}"
    text_zh = "政策不允许：{summary_zh}"

    def __init__(self, decision: Decision) -> None:
        self.decision = decision
        unmet = [reason for reason in decision.reasons if not reason.satisfied]
        super().__init__(
            summary="; ".join(reason.text_en for reason in unmet),
            summary_zh="；".join(reason.text_zh for reason in unmet),
        )

    def reasons(self) -> Sequence[Reason]:
        return tuple(reason for reason in self.decision.reasons if not reason.satisfied)


class NotFound(Refusal):
    """Unknown, or not yours to know of."""

    http_status = 404
    text_en = "There is no such {thing}."
    text_zh = "没有这个{thing}。"


class NotPermitted(Refusal):
    """The actor lacks the role this needs."""

    http_status = 403
    text_en = "This needs the role {role}."
    text_zh = "此操作需要角色：{role}。"


class Invalid(Refusal):
    """A field is wrong; says which and why."""

    http_status = 422
    text_en = "{field_name}: {why}"
    text_zh = "{field_name}：{why_zh}"

    def __init__(self, field: str, why: str, why_zh: str, **facts: Any) -> None:
        super().__init__(field=field, field_name=field, why=why, why_zh=why_zh, **facts)


class StaleState(Refusal):
    """The object moved on since you looked."""

    http_status = 409
    text_en = "The {thing} is {current}; this needs {needed}."
    text_zh = "该{thing}当前状态为“{current}”，此操作需要“{needed}”。"


class SamePerson(Refusal):
    """Nobody approves their own work."""

    http_status = 403
    text_en = "The same person may not both {first} and {second}."
    text_zh = "同一人不得既{first_zh}又{second_zh}。"
