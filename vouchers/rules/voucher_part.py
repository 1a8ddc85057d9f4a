"""Deduct at order: what part of an order a voucher pays, and what the enterprise pays itself."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from vouchers.rules.answers import DecisionWord, Reason, Step, Usage
from vouchers.rules.caps import apply_caps
from vouchers.rules.combine import combine
from vouchers.rules.eligibility import check_compute, check_providers, check_spending_region
from vouchers.rules.exact import percent_text
from vouchers.rules.facts import CATALOGUE, check_facts
from vouchers.rules.lines import answer_line
from vouchers.rules.terms import Terms
from vouchers.rules.uses import allowed_facts, bases_used
from vouchers.rules.worksheet import Worksheet


@dataclass(frozen=True)
class Part:
    """amount_fen + own_part_fen = the order. amount_fen is 0 unless the decision is granted."""

    decision: DecisionWord
    amount_fen: int
    own_part_fen: int
    steps: tuple[Step, ...]
    reasons: tuple[Reason, ...]
    policy_version: str

    def as_dict(self) -> dict[str, Any]:
        return {
            "decision": self.decision,
            "amount_fen": self.amount_fen,
            "own_part_fen": self.own_part_fen,
            "steps": [step.as_dict() for step in self.steps],
            "reasons": [reason.as_dict() for reason in self.reasons],
            "policy_version": self.policy_version,
        }


def voucher_part(
    terms: Terms,
    order_amount_fen: int,
    *,
    voucher_available_fen: int,
    at: datetime,
    facts: Mapping[str, Any] | None = None,
    used: Usage | None = None,
    policy_version: str | None = None,
) -> Part:
    """The part of `order_amount_fen` the voucher pays at `at`.

    The order's amount stands in for the policy's basis. A lump sum fixes what a voucher holds, not
    what share of an order it pays, so it counts only where no line has a basis. `facts` are those
    of the application and of the order (kind of compute, provider, hardware ...; names the policy
    has no use for are left aside). `used` holds what was redeemed before; the voucher in hand is
    not among it. Who may apply and the windows were judged when the voucher was granted and are not
    judged again.
    Raises FactsError for malformed facts, ValueError for a negative amount or a naive `at`.
    """
    if order_amount_fen < 0 or voucher_available_fen < 0:
        raise ValueError("amounts are never negative")
    if at.tzinfo is None:
        raise ValueError("a naive datetime names no instant")
    allowed = allowed_facts(terms.document)
    given = {
        name: value
        for name, value in (facts or {}).items()
        if name in allowed or name not in CATALOGUE
    }
    given |= dict.fromkeys(bases_used(terms.document), order_amount_fen)
    sheet = Worksheet(check_facts(given, allowed=allowed))
    sheet.money("order_amount", order_amount_fen, "order", "订单金额")
    check_compute(terms.clause("compute"), sheet)
    check_providers(terms.clause("providers"), sheet)
    check_spending_region(terms.clause("cross_region"), sheet)
    amount = _under_terms(terms, sheet, used=used or Usage(), at=at)
    if amount is not None:
        amount = min(amount, order_amount_fen, voucher_available_fen)
        sheet.money(
            "voucher_available", voucher_available_fen, "the voucher holds", "算力券可用余额"
        )
        sheet.money("voucher_part", amount, "paid by the voucher", "券支付部分")
    statuses = {reason.status for reason in sheet.reasons}
    decision: DecisionWord = (
        "refused"
        if "unmet" in statuses
        else "incomplete"
        if "unknown" in statuses or amount is None
        else "granted"
    )
    paid = (amount or 0) if decision == "granted" else 0
    sheet.money("own_part", order_amount_fen - paid, "paid by the enterprise", "企业自付部分")
    return Part(
        decision,
        paid,
        order_amount_fen - paid,
        tuple(sheet.steps),
        tuple(sheet.reasons),
        policy_version or terms.policy_version,
    )


def accepted_part(part: Part, rate: Decimal, agreement: int) -> Part:
    """What is left of `part` outside the region: `rate` of it, rounded down to the fen."""
    amount_fen = int(part.amount_fen * rate // 1)
    order_fen = part.amount_fen + part.own_part_fen
    text = f"acceptance agreement {agreement}: {percent_text(Fraction(rate))} of it"
    text_zh = f"互认协议 {agreement}：按 {percent_text(Fraction(rate))} 计"
    return replace(
        part,
        amount_fen=amount_fen,
        own_part_fen=order_fen - amount_fen,
        steps=(*part.steps, Step("accepted_part", amount_fen, "fen", text, text_zh)),
    )


def _under_terms(terms: Terms, sheet: Worksheet, *, used: Usage, at: datetime) -> int | None:
    lines = terms.document["benefit"]["lines"]
    if lines is None:
        sheet.reason(
            "unknown",
            "parameter_unknown",
            "the source does not state the benefit",
            "来源未载明补贴标准",
            at="/benefit/lines",
        )
        return None
    compute = terms.clause("compute")
    by_basis = [line for line in lines if line.get("basis") is not None]
    answers = [
        answer_line(line, compute, sheet.at(f"/benefit/lines/{index}"))
        for index, line in enumerate(lines)
        if line in by_basis or not by_basis
    ]
    part = sheet.at("/benefit")
    amount = combine(terms.document["benefit"]["combine"], answers, part)
    sheet.absorb(part)
    if amount is None:
        return None
    return apply_caps(terms.document.get("caps", ()), amount, sheet, used=used, at=at)
