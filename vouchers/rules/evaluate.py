"""Terms + facts + past use + an instant → one answer with every reason and every intermediate."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from vouchers.rules.answers import DecisionWord, Evaluation, RuleError, Usage
from vouchers.rules.canonical import canonical_json
from vouchers.rules.caps import apply_caps
from vouchers.rules.civil_day import SHANGHAI
from vouchers.rules.combine import combine
from vouchers.rules.eligibility import (
    check_applicant,
    check_compute,
    check_exclusions,
    check_providers,
    check_spending_region,
    check_windows,
)
from vouchers.rules.exact import floor_to, yuan_text_en, yuan_text_zh
from vouchers.rules.facts import CATALOGUE, check_facts
from vouchers.rules.gates import gates_hold
from vouchers.rules.lines import answer_line
from vouchers.rules.terms import Terms
from vouchers.rules.uses import allowed_facts, bases_used
from vouchers.rules.worksheet import Worksheet


def _check_minimum_spend(terms: Terms, sheet: Worksheet) -> None:
    for index, minimum in enumerate(terms.clause("minimums").get("spend", ())):
        where = f"/minimums/spend/{index}"
        least = minimum["amount_fen"]
        if least is None:
            sheet.reason(
                "unknown",
                "parameter_unknown",
                "the minimum spend is not stated",
                "来源未载明最低支出",
                at=f"{where}/amount_fen",
            )
            continue
        value = sheet.fact(minimum["fact"], at=where)
        if value is not None:
            known = CATALOGUE[minimum["fact"]]
            sheet.judge(
                value >= least,
                "minimum_spend",
                f"{known.text_en} at least {yuan_text_en(least)}; is {yuan_text_en(value)}",
                f"{known.text_zh}须达到 {yuan_text_zh(least)}；实为 {yuan_text_zh(value)}",
                at=where,
                fact=minimum["fact"],
            )


def _under_total_aid(terms: Terms, amount_fen: int, sheet: Worksheet) -> int:
    stacking = terms.clause("stacking")
    if "total_aid_rate" not in stacking:
        return amount_fen
    ceiling = sheet.at("/stacking")
    rate = ceiling.rate(stacking, "total_aid_rate")
    other = ceiling.fact("other_aid_fen", at="/total_aid_rate")
    bases = [sheet.facts[name] for name in bases_used(terms.document) if name in sheet.facts]
    if rate is not None and other is not None and bases:
        room = max(floor_to(max(bases) * rate) - other, 0)
        capped = min(amount_fen, room)
        ceiling.money(
            "after_total_aid",
            capped,
            "under the ceiling of all public money together",
            "财政支持累计上限内",
        )
        ceiling.judge(
            room > 0 or amount_fen == 0,
            "total_aid_room",
            f"room under the total-aid ceiling {yuan_text_en(room)}",
            f"财政支持累计上限余额 {yuan_text_zh(room)}",
            at="/total_aid_rate",
        )
        amount_fen = capped
    sheet.absorb(ceiling)
    return amount_fen


def _benefit(terms: Terms, sheet: Worksheet, *, used: Usage, at: datetime) -> int | None:
    benefit, compute = terms.document["benefit"], terms.clause("compute")
    lines = benefit["lines"]
    if lines is None:
        sheet.reason(
            "unknown",
            "parameter_unknown",
            "the source does not state the benefit",
            "来源未载明补贴标准",
            at="/benefit/lines",
        )
        return None
    answers = [
        answer_line(line, compute, sheet.at(f"/benefit/lines/{index}"))
        for index, line in enumerate(lines)
    ]
    part = sheet.at("/benefit")
    amount = combine(benefit["combine"], answers, part)
    if len(lines) > 1 and amount is not None:
        part.money("benefit", amount, f"benefit ({benefit['combine']})", "补贴合计")
    sheet.absorb(part)
    if amount is None:
        apply_caps(terms.document.get("caps", ()), 0, sheet, used=used, at=at)
        return None
    amount = apply_caps(terms.document.get("caps", ()), amount, sheet, used=used, at=at)
    amount = _under_total_aid(terms, amount, sheet)
    least = terms.clause("minimums").get("award_fen")
    if least is not None and 0 < amount < least:
        sheet.judge(
            False,
            "minimum_award",
            f"the smallest award is {yuan_text_en(least)}; this would be {yuan_text_en(amount)}",
            f"最低核发额 {yuan_text_zh(least)}；测算 {yuan_text_zh(amount)}",
            at="/minimums/award_fen",
        )
    return amount


def _decision(amount: int | None, sheet: Worksheet) -> DecisionWord:
    statuses = {reason.status for reason in sheet.reasons}
    if "unmet" in statuses:
        return "refused"
    if "unknown" in statuses or amount is None:
        return "incomplete"
    if amount == 0 and not sheet.in_kind:
        sheet.judge(False, "nothing_due", "nothing is due", "无应付补贴", at="/benefit")
        return "refused"
    return "granted"


def evaluate(
    terms: Terms,
    facts: Mapping[str, Any],
    *,
    at: datetime,
    used: Usage | None = None,
    policy_version: str | None = None,
    preset: str | None = None,
) -> Evaluation:
    """What `facts` earn under `terms` at the instant `at`, given what was `used` before.

    Order: eligible basis → period share → rate or tiers → line cap → combination → caps →
    total-aid ceiling → smallest award. Everything rounds down. Raises FactsError for facts that
    cannot be used and ValueError for a naive `at`.
    """
    if at.tzinfo is None:
        raise ValueError("a naive datetime names no instant")
    checked = check_facts(facts, allowed=allowed_facts(terms.document))
    past = used or Usage()
    sheet = Worksheet(checked)
    check_windows(terms.clause("windows"), sheet, at=at)
    check_applicant(terms.clause("applicants"), sheet)
    check_compute(terms.clause("compute"), sheet)
    check_providers(terms.clause("providers"), sheet)
    check_exclusions(terms.clause("stacking"), sheet)
    check_spending_region(terms.clause("cross_region"), sheet)
    if "gates" in terms.clause("green"):
        gates_hold(terms.clause("green")["gates"], sheet, at="/green/gates")
    _check_minimum_spend(terms, sheet)
    amount = _benefit(terms, sheet, used=past, at=at)
    check_evidence(terms, sheet)
    decision = _decision(amount, sheet)
    if decision == "refused":
        amount = 0
    elif amount is not None:
        sheet.money("amount", amount, "amount", "金额")
    return Evaluation(
        decision=decision,
        amount_fen=amount,
        reasons=tuple(sheet.reasons),
        steps=tuple(sheet.steps),
        in_kind=tuple(sheet.in_kind) if decision != "refused" else (),
        policy_version=policy_version or terms.policy_version,
        preset=preset,
        at=at.astimezone(SHANGHAI).isoformat(),
        facts=checked,
        used=tuple(entry.as_dict() for entry in past.entries),
        terms_digest=terms.digest,
    )


def check_evidence(terms: Terms, sheet: Worksheet) -> None:
    """What still has to be handed in; it informs and never decides an amount."""
    provided = set(sheet.facts.get("evidence_provided", ()))
    for index, item in enumerate(terms.document.get("evidence", ())):
        chinese, english = item["text_zh"], item.get("text_en") or item["text_zh"]
        status = (
            ("met", "given", "已提交")
            if item["id"] in provided
            else ("note", "to hand in", "须提交")
        )
        sheet.reason(
            "met" if status[0] == "met" else "note",
            "evidence",
            f"{status[1]}: {english}",
            f"{status[2]}：{chinese}",
            at=f"/evidence/{index}",
        )


class ReplayDiffers(RuleError):
    """A recorded evaluation does not come out again from its own inputs."""


def replay(record: Mapping[str, Any], terms: Terms) -> Evaluation:
    """Evaluate the recorded inputs again; equal byte for byte, or ReplayDiffers is raised."""
    if record["terms_digest"] != terms.digest:
        raise ReplayDiffers(
            "other_terms",
            "terms_digest",
            "these are not the terms that were applied",
            "并非当时适用的政策版本",
        )
    again = evaluate(
        terms,
        record["facts"],
        at=datetime.fromisoformat(record["at"]),
        used=Usage.from_dicts(record["used"]),
        policy_version=record["policy_version"],
        preset=record["preset"],
    )
    if canonical_json(record) != again.canonical_json():
        raise ReplayDiffers(
            "replay_differs", "", "the replay differs from the record", "复算结果与记录不一致"
        )
    return again
