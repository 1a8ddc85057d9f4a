"""How figures are written for people."""

import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django import template
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timezone import localtime
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from ledger.money import yuan_text
from marketplace.portal.access import navigation_of, visitor_of
from marketplace.portal.places import province_texts
from marketplace.portal.term_words import MORE_WORDS
from marketplace.portal.words import TONES, WORDS
from vouchers.rules.choice_words import in_words
from vouchers.rules.parameter_words import PARAMETER_WORDS

register = template.Library()

PUBLISHED = re.compile(r"published: province \d{6}, data year (\d{4}), (.+); flat")


@register.filter
def yuan(amount_fen: int | None) -> str | SafeString:
    """Fen as yuan; unknown stays visibly unknown."""
    if amount_fen is None:
        return unknown()
    fen = int(amount_fen)
    return f"{'−' if fen < 0 else ''}¥{yuan_text(abs(fen))}"


@register.filter
def quantity(value: Decimal | float | str | None, digits: int = 2) -> str | SafeString:
    """A number with thousands separators and `digits` decimals; what rounds to zero has no sign."""
    return unknown() if value is None or value == "" else f"{Decimal(value):z,.{digits}f}"


@register.filter
def grams(kilograms: Decimal | None) -> str | SafeString:
    """Kilograms as grams, one decimal."""
    return unknown() if kilograms is None else f"{kilograms * 1000:,.1f}"


@register.filter
def percent(value: Decimal | float | str | None, digits: int = 1) -> str | SafeString:
    """A share as a percentage."""
    return unknown() if value is None or value == "" else f"{Decimal(value) * 100:.{digits}f} %"


@register.filter
def moment(value: datetime | str | None) -> str | SafeString:
    """An instant in Shanghai time."""
    if not value:
        return unknown()
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    return f"{localtime(value):%Y-%m-%d %H:%M}"


@register.filter
def known(value: object) -> object:
    """The value, or a visible "unknown"."""
    return unknown() if value is None or value == "" else value


@register.filter
def share_of(part: int | None, whole: int | None) -> str:
    """`part` of `whole` as a CSS percentage."""
    return "0%" if not part or not whole else f"{100 * part / whole:.3f}%"


def unknown() -> SafeString:
    """The word for what nobody knows yet."""
    return format_html('<span class="unknown">{}</span>', _("unknown"))


@register.filter
def last_day(value: datetime | None) -> str | SafeString:
    """The last civil day in Shanghai before an exclusive end."""
    return (
        unknown() if value is None else f"{localtime(value - timedelta(microseconds=1)):%Y-%m-%d}"
    )


@register.filter
def text_of(texts: Mapping[str, Any] | None, stem: str = "text") -> str:
    """`text_zh` or `text_en` (or `name_…`) of a pair, in the reader's language.

    A reason about a fact has the codes that fact may be; its Chinese is shown in words.
    """
    if not texts:
        return ""
    chinese = (get_language() or "").startswith("zh")
    first, second = (f"{stem}_zh", f"{stem}_en") if chinese else (f"{stem}_en", f"{stem}_zh")
    said = str(texts.get(first) or texts.get(second) or "")
    return in_words(said, texts.get("fact")) if chinese else said


@register.filter
def sentence_of(row: Any) -> str:
    """`text_zh` or `text_en` of a row, in the reader's language."""
    return text_of({"text_zh": row.text_zh, "text_en": row.text_en})


@register.filter
def name_of(row: Any) -> str:
    """`name_zh` or `name_en` of a row, in the reader's language."""
    return text_of({"name_zh": row.name_zh, "name_en": row.name_en}, "name")


@register.filter
def fact(value: object) -> object:
    """A fact of any kind, as people read it."""
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return f"{value:f}"
    return known(value)


@register.filter
def term(key: str) -> str | SafeString:
    """What a key of the terms is called; a key that has no word stays code."""
    words = MORE_WORDS.get(key) or PARAMETER_WORDS.get(key)
    if words is None:
        return format_html("<code>{}</code>", key)
    return text_of({"text_en": words[0], "text_zh": words[1]})


@register.filter
def province(adcode: str) -> str:
    """The province of an adcode."""
    return text_of(province_texts(adcode))


@register.filter
def factor_text(basis: str | None) -> str:
    """What a grid factor rests on, in the reader's language; other bases as they are written."""
    found = PUBLISHED.fullmatch(basis or "")
    if found is None:
        return basis or ""
    year, notice = found.groups()
    return _("published for the year %(year)s, %(notice)s") % {"year": year, "notice": notice}


@register.filter
def tone(state: str) -> str:
    """The color class of a state: where it is going well, waiting, or has ended badly."""
    return next((css for css, states in TONES.items() if state in states), "")


@register.filter
def within(path: str, page: str) -> bool:
    """Whether an address is a page of the navigation or lies below it."""
    return path == page or path.startswith(f"{page}/")


@register.filter
def bound(op: str) -> str:
    """A comparison as people write it."""
    return {">=": "≥", "<=": "≤", "==": "="}.get(op, op)


@register.filter
def figure(value: str, metric: str) -> str:
    """A gate's figure: shares in percent, everything else as it stands."""
    if metric not in ("renewable_share", "green_share", "hourly_cfe"):
        return value
    share = format((Decimal(value) * 100).quantize(Decimal("0.01")), "f")
    return f"{share.rstrip('0').rstrip('.')} %"


@register.filter
def get(mapping: Mapping[str, Any] | None, key: str) -> Any:
    """`mapping[key]`, or None."""
    return (mapping or {}).get(key)


@register.filter
def word(code: str) -> str:
    """A code of the data (a status, a kind of evidence) in the reader's language."""
    return str(WORDS.get(code, code))


@register.filter
def change_of(change: Mapping[str, Any] | None) -> str:
    """What would change a match, in words: ids of the planner mean nothing to a reader."""
    if not change:
        return ""
    field = word(change.get("field", ""))
    if "from" in change:
        # The planner's lowest tier means that an unrated pool would do.
        if change.get("field") == "min_green_tier" and str(change["to"]) == "0":
            return _("without a least green tier it could be placed")
        return _("with %(field)s %(to)s instead of %(from)s it could be placed") % {
            "field": field,
            "to": change["to"],
            "from": change["from"],
        }
    gain_fen = int(Decimal(str(change.get("gain_fen", 0))))
    return _("without the limit on %(field)s a placement worth %(gain)s more is possible") % {
        "field": field,
        "gain": yuan(gain_fen),
    }


@register.simple_tag(takes_context=True)
def navigation(context: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The pages the visitor may open."""
    request: HttpRequest | None = context.get("request")
    return navigation_of(request) if request is not None else []


@register.simple_tag(takes_context=True)
def organization(context: Mapping[str, Any]) -> Any:
    """The organization the visitor acts for; None for a stranger."""
    request: HttpRequest | None = context.get("request")
    return visitor_of(request).organization if request is not None else None
