"""An officer writes terms: a form over the draft, checked at once and told in sentences."""

from collections.abc import Iterator, Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language

from marketplace.portal.access import for_page, visitor_of
from marketplace.portal.term_words import MORE_WORDS
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


def _words() -> dict[str, str]:
    """Parameter, fact or code → what it is called in the reader's language."""
    chinese = (get_language() or "").startswith("zh")
    facts = {name: (fact.text_en, fact.text_zh) for name, fact in CATALOGUE.items()}
    return {
        key: words[1 if chinese else 0]
        for key, words in {**facts, **PARAMETER_WORDS, **MORE_WORDS}.items()
    }


def _choices() -> dict[str, list[str]]:
    """Field → the words it may hold, where the schema lists them or they are facts."""
    money = [name for name, fact in CATALOGUE.items() if fact.type == "fen"]
    return {**dict(_enumerated(terms_schema(), "")), "basis": money, "fact": money}


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
