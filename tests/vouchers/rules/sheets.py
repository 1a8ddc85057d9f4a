"""Small terms and instants the tests of the rules share."""

from datetime import datetime
from typing import Any

from vouchers.presets import load_presets
from vouchers.rules import Evaluation, Terms, Usage, evaluate
from vouchers.rules.civil_day import SHANGHAI

YUAN = 100
WAN = 10_000 * YUAN


def shanghai(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=SHANGHAI)  # type: ignore[misc, arg-type]


AT = shanghai(2025, 6, 1, 12)


def document(
    *lines: dict[str, Any], combine: str = "first_that_applies", **more: Any
) -> dict[str, Any]:
    return {
        "schema_version": 1,
        "programme": {"id": "test", "name_zh": "测试"},
        "kind": "voucher",
        "benefit": {"combine": combine, "lines": list(lines)},
        **more,
    }


def rate_line(rate: str | None = "0.2", **more: Any) -> dict[str, Any]:
    return {"id": "a", "mechanic": "rate", "basis": "contract_amount_fen", "rate": rate, **more}


def year_cap(amount_fen: int | None, **more: Any) -> dict[str, Any]:
    return {"id": "year", "amount_fen": amount_fen, "per": "natural_year", **more}


def ask(
    doc: dict[str, Any], used: Usage | None = None, at: datetime = AT, **facts: Any
) -> Evaluation:
    return evaluate(Terms.load(doc), facts, at=at, used=used)


def ask_preset(
    preset: str, at: datetime = AT, used: Usage | None = None, **facts: Any
) -> Evaluation:
    terms = load_presets()[preset].terms
    assert terms is not None
    return evaluate(terms, facts, at=at, used=used, preset=preset)


def codes(answer: Any, status: str) -> set[str]:
    return {reason.code for reason in answer.reasons if reason.status == status}
