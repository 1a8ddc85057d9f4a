"""Who may apply, with whom, when: every clause answered at once."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from vouchers.rules.choice_words import ENTITY_ZH
from vouchers.rules.civil_day import civil_day, months_between
from vouchers.rules.facts import CATALOGUE
from vouchers.rules.parameter_words import words_for
from vouchers.rules.worksheet import Worksheet

ENTITY_EN = {
    "enterprise": "enterprises",
    "public_institution": "public institutions",
    "university": "universities",
    "research_institute": "research institutes",
    "maker": "makers",
    "intermediary": "compute intermediaries",
    "one_person_company": "one-person AI companies",
    "platform": "platforms",
    "provider": "providers",
}


def lies_within(adcode: str, region: str) -> bool:
    """Whether a GB/T 2260 code is `region` or below it ("110108" lies within "110000")."""
    if region == "100000":
        return True
    stem = (
        region[:2] if region.endswith("0000") else region[:4] if region.endswith("00") else region
    )
    return adcode.startswith(stem)


def check_conditions(
    conditions: Sequence[Mapping[str, Any]], sheet: Worksheet, *, at: str, code: str = "condition"
) -> None:
    """A reviewer's findings: confirmed is met, denied refuses, unreviewed is a note."""
    met = set(sheet.facts.get("conditions_met", ()))
    unmet = set(sheet.facts.get("conditions_unmet", ()))
    for index, condition in enumerate(conditions):
        chinese = condition["text_zh"]
        english = condition.get("text_en") or chinese
        where = f"{at}/{index}"
        if condition["id"] in unmet:
            sheet.reason("unmet", code, english, chinese, at=where, fact="conditions_unmet")
        elif condition["id"] in met:
            sheet.reason("met", code, english, chinese, at=where, fact="conditions_met")
        else:
            sheet.reason(
                "note",
                f"{code}_for_review",
                f"to be confirmed by a reviewer: {english}",
                f"由审核人员核实：{chinese}",
                at=where,
            )


def check_applicant(clause: Mapping[str, Any], sheet: Worksheet) -> None:
    """The `applicants` clause. Nulls are not checked and say so."""
    for key in ("entity_types", "registered_in"):
        if key in clause and clause[key] is None:
            english, chinese = words_for(key)
            sheet.reason(
                "note",
                "not_stated",
                f"the source does not state {english}; not checked",
                f"来源未载明{chinese}，未校验",
                at=f"/applicants/{key}",
            )
    if clause.get("entity_types"):
        kind = sheet.fact("entity_type", at="/applicants/entity_types")
        if kind is not None:
            admitted = clause["entity_types"]
            sheet.judge(
                kind in admitted,
                "entity_type",
                f"open to {', '.join(ENTITY_EN[one] for one in admitted)}; the applicant: {kind}",
                f"面向{'、'.join(ENTITY_ZH[one] for one in admitted)}；申请主体：{ENTITY_ZH[kind]}",
                at="/applicants/entity_types",
                fact="entity_type",
            )
    if clause.get("registered_in"):
        where = sheet.fact("registered_adcode", at="/applicants/registered_in")
        if where is not None:
            sheet.judge(
                lies_within(where, clause["registered_in"]),
                "registered_in",
                f"must be registered in {clause['registered_in']}; registered in {where}",
                f"须在 {clause['registered_in']} 注册；注册地 {where}",
                at="/applicants/registered_in",
                fact="registered_adcode",
            )
    for key, name in (("sizes", "size"), ("industries", "industry")):
        if key in clause:
            value = sheet.fact(name, at=f"/applicants/{key}")
            if value is not None:
                sheet.judge(
                    value in clause[key],
                    name,
                    f"{name} must be one of {', '.join(clause[key])}; is {value}",
                    f"{CATALOGUE[name].text_zh}须为{'、'.join(clause[key])}；实为 {value}",
                    at=f"/applicants/{key}",
                    fact=name,
                )
    if "age_months_at_most" in clause:
        age = sheet.fact("company_age_months", at="/applicants/age_months_at_most")
        if age is not None:
            limit = clause["age_months_at_most"]
            sheet.judge(
                age <= limit,
                "company_age",
                f"at most {limit} months old; is {age}",
                f"成立不超过 {limit} 个月；实为 {age}",
                at="/applicants/age_months_at_most",
                fact="company_age_months",
            )
    check_conditions(clause.get("conditions", ()), sheet, at="/applicants/conditions")


def check_compute(clause: Mapping[str, Any], sheet: Worksheet) -> None:
    """What is bought: a single kind is judged; a bare amount is taken as given and says so."""
    if sheet.facts.get("items") is not None or not (
        clause.get("eligible") or clause.get("excluded")
    ):
        return
    kind = sheet.facts.get("compute_kind")
    if kind is None:
        sheet.reason(
            "note",
            "compute_as_given",
            "the amount is taken as eligible compute only; list items to have it checked",
            "金额按合格算力费用计；提供明细可逐项校验",
            at="/compute",
            fact="items",
        )
        return
    fits = kind not in clause.get("excluded", []) and kind in clause.get("eligible", [kind])
    sheet.judge(
        fits,
        "compute_kind",
        f"kind of compute: {kind}",
        f"算力类型：{kind}",
        at="/compute",
        fact="compute_kind",
    )


def check_providers(clause: Mapping[str, Any], sheet: Worksheet) -> None:
    """The `providers` clause: affiliation, list, place. Unknown is not the same as clean."""
    if clause.get("non_affiliated"):
        affiliated = sheet.fact("provider_affiliated", at="/providers/non_affiliated")
        if affiliated is not None:
            sheet.judge(
                not affiliated,
                "non_affiliated",
                "the provider may not be affiliated",
                "供给方不得为关联方",
                at="/providers/non_affiliated",
                fact="provider_affiliated",
            )
    if clause.get("listed"):
        listed = sheet.fact("provider_listed", at="/providers/listed")
        if listed is not None:
            sheet.judge(
                listed,
                "provider_listed",
                "the provider must be on the programme's list",
                "供给方须在入库名单内",
                at="/providers/listed",
                fact="provider_listed",
            )
    if clause.get("registered_in"):
        place = sheet.fact("provider_adcode", at="/providers/registered_in")
        if place is not None:
            sheet.judge(
                lies_within(place, clause["registered_in"]),
                "provider_registered_in",
                f"the provider must be registered in {clause['registered_in']}; is in {place}",
                f"供给方须在 {clause['registered_in']} 注册；实为 {place}",
                at="/providers/registered_in",
                fact="provider_adcode",
            )
    check_conditions(clause.get("conditions", ()), sheet, at="/providers/conditions")


def within(day: date, period: Mapping[str, str]) -> bool:
    """Whether a civil day lies in {from, through}, both included."""
    text = day.isoformat()
    return period.get("from", text) <= text <= period.get("through", text)


def _period_text(period: Mapping[str, str]) -> str:
    return f"{period.get('from', '…')} – {period.get('through', '…')}"


def check_windows(clause: Mapping[str, Any], sheet: Worksheet, *, at: datetime) -> None:
    """The `windows` clause by the civil day in Shanghai of `at` and of the contract."""
    today = civil_day(at)
    if "in_force" in clause:
        period = clause["in_force"]
        inside = within(today, period)
        text = (
            f"in force {_period_text(period)}; today is {today}",
            f"有效期 {_period_text(period)}；当日 {today}",
        )
        if not inside and clause.get("extension_unknown"):
            sheet.reason(
                "unknown",
                "in_force",
                f"{text[0]}; whether it was prolonged is not known",
                f"{text[1]}；是否延续未知",
                at="/windows/in_force",
            )
        else:
            sheet.judge(inside, "in_force", *text, at="/windows/in_force")
    if "application" in clause:
        period = clause["application"]
        sheet.judge(
            within(today, period),
            "application_window",
            f"applications {_period_text(period)}; today is {today}",
            f"申报时间 {_period_text(period)}；当日 {today}",
            at="/windows/application",
        )
    if "contract_signed" in clause:
        signed = sheet.fact("contract_signed_on", at="/windows/contract_signed")
        if signed is not None:
            period = clause["contract_signed"]
            sheet.judge(
                within(date.fromisoformat(signed), period),
                "contract_signed",
                f"contract signed {_period_text(period)}; signed {signed}",
                f"合同签订时间 {_period_text(period)}；实签 {signed}",
                at="/windows/contract_signed",
                fact="contract_signed_on",
            )
    if "contract_months_at_most" in clause:
        starts = sheet.fact("contract_starts_on", at="/windows/contract_months_at_most")
        ends = sheet.fact("contract_ends_on", at="/windows/contract_months_at_most")
        if starts is not None and ends is not None:
            months = months_between(date.fromisoformat(starts), date.fromisoformat(ends))
            limit = clause["contract_months_at_most"]
            sheet.judge(
                months <= limit,
                "contract_months",
                f"at most {limit} months; {months} months",
                f"合同期不超过 {limit} 个月；实为 {months} 个月",
                at="/windows/contract_months_at_most",
                fact="contract_ends_on",
            )


def check_exclusions(clause: Mapping[str, Any], sheet: Worksheet) -> None:
    """The parts of `stacking` that a single application can violate."""
    for key, name, english, chinese in (
        (
            "same_contract_once",
            "contract_already_awarded",
            "one contract is awarded once",
            "同一合同仅能申领一次",
        ),
        (
            "no_other_public_aid",
            "other_public_aid",
            "no other public money on the same compute",
            "不得重复享受其他财政资金支持",
        ),
        (
            "not_both_sides",
            "also_applies_as_supplier",
            "nobody applies on both sides",
            "供给方和需求方不能同时申领",
        ),
    ):
        if clause.get(key):
            value = sheet.fact(name, at=f"/stacking/{key}")
            if value is not None:
                sheet.judge(not value, key, english, chinese, at=f"/stacking/{key}", fact=name)


def check_spending_region(clause: Mapping[str, Any], sheet: Worksheet) -> None:
    """Where the compute is spent: at home, or in a region with an acceptance agreement."""
    home = clause.get("spend_within")
    place = sheet.facts.get("spending_adcode")
    if home is None or place is None:
        return
    accepted = any(lies_within(place, region) for region in [home, *clause.get("accepted_in", [])])
    sheet.judge(
        accepted,
        "spending_region",
        f"spendable in {home} and where an agreement accepts it; spent in {place}",
        f"可在 {home} 及互认地区使用；实际用券地 {place}",
        at="/cross_region",
        fact="spending_adcode",
    )
