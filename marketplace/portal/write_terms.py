"""An officer writes terms: a form over the draft, checked at once and told in sentences."""

from collections.abc import Iterator, Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language

from marketplace.portal.access import for_page, visitor_of
from vouchers.models import Preset, Programme
from vouchers.policy import DRAFTERS, visible_programmes
from vouchers.rules import terms_schema
from vouchers.rules.facts import CATALOGUE
from vouchers.rules.parameter_words import PARAMETER_WORDS


@for_page("officer")
def write_terms(request: HttpRequest) -> HttpResponse:
    """The page reads; the draft is checked and saved by the API, with the reader's own rights."""
    actor = visitor_of(request).actor
    own = visible_programmes(actor).filter(issuer_id=actor.organization_id or 0)
    return render(
        request,
        "portal/terms.html",
        {
            "presets": Preset.objects.exclude(document__terms=None).only(
                "id", "name_zh", "name_en"
            ),
            "programmes": own.exclude(
                state__in=[Programme.State.CLOSED, Programme.State.CANCELLED]
            ).order_by("code"),
            "may_draft": actor.has(*DRAFTERS),
            "form": {"choices": _choices(), "words": _words()},
        },
    )


# What the rules have no word for: English, 中文.
MORE_WORDS = {
    "mechanic": ("mechanic", "计算方式"),
    "rate_is_ceiling": ("the rate is a ceiling", "比例为上限"),
    "combine": ("lines together", "各项如何合并"),
    "max_of": ("the highest", "取最高"),
    "sum_of": ("their sum", "合计"),
    "first_that_applies": ("the first that applies", "适用第一项"),
    "at_most": ("at most", "不超过"),
    "at_least": ("at least", "不低于"),
    "from": ("from", "起始日"),
    "through": ("through", "截止日"),
    "from_fen": ("from", "区间下限"),
    "up_to_fen": ("up to", "区间上限"),
    "threshold_on": ("applies to", "超门槛后的计算范围"),
    "threshold_inclusive": ("the threshold itself counts", "含门槛本身"),
    "edge_belongs": ("the edge belongs", "分界点归属"),
    "counts": ("counts", "计入"),
    "of": ("counted for", "按谁累计"),
    "mode": ("how the money moves", "兑付方式"),
    "payee": ("who is paid", "收款方"),
    "settlement_cycle": ("settlement cycle", "结算周期"),
    "allocation": ("allocation", "分配方式"),
    "award_fen": ("least award", "最低补贴额"),
    "fact": ("fact", "事实项"),
    "application": ("application", "申请"),
    "in_force": ("in force", "有效期"),
    "natural_year": ("calendar year", "自然年"),
    "deduct_at_order": ("deducted at order", "下单抵扣"),
    "pay_then_claim": ("paid, then claimed", "先付后兑"),
    "tiers": ("tier", "分档"),
    "true": ("yes", "是"),
    "false": ("no", "否"),
    "benefit": ("Benefit", "补贴标准"),
    "caps": ("Ceilings", "上限"),
    "minimums": ("Minimums", "下限"),
    "windows": ("Times", "期限"),
    "payment": ("Payment", "兑付"),
    "green": ("Green gates", "绿色门槛"),
    "budget": ("Budget", "预算"),
}


def _words() -> dict[str, str]:
    """Parameter, fact or code → what it is called in the reader's language."""
    chinese = (get_language() or "").startswith("zh")
    facts = {name: (fact.text_en, fact.text_zh) for name, fact in CATALOGUE.items()}
    return {
        key: words[1 if chinese else 0]
        for key, words in {**facts, **PARAMETER_WORDS, **MORE_WORDS}.items()
    }


def _choices() -> dict[str, list[str]]:
    """Field → the words it may hold, where the schema lists them."""
    return dict(_enumerated(terms_schema(), ""))


def _enumerated(node: Any, name: str) -> Iterator[tuple[str, list[str]]]:
    if not isinstance(node, Mapping):
        return
    if "enum" in node:
        yield name, [each for each in node["enum"] if each is not None]
    for key in ("properties", "$defs"):
        for inner, what in node.get(key, {}).items():
            yield from _enumerated(what, inner)
    for key in ("anyOf", "oneOf", "allOf"):
        for what in node.get(key, ()):
            yield from _enumerated(what, name)
    if "items" in node:
        yield from _enumerated(node["items"], name)
