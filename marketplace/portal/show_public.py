"""The public page: programmes, platforms, hub areas and grid factors, as printed."""

from collections.abc import Iterable
from typing import Any

from django.db.models import Prefetch, Subquery
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from marketplace.portal.access import visitor_of
from marketplace.portal.draw_charts import platform_timeline, ranked_bars
from marketplace.portal.places import PROVINCES, province_texts
from providers.models import GridFactor, HubArea
from scheduling.models import Platform
from vouchers.models import PolicyVersion, Preset
from vouchers.policy import visible_programmes
from vouchers.rules import Terms, TermsError
from vouchers.rules import render as render_terms

STATES = ("complete", "incomplete", "no_payout")
STATUSES = ("construction_started", "completed", "launched", "opened", "released", "online")


def show_public(request: HttpRequest) -> HttpResponse:
    """Six queries, whatever the number of rows."""
    presets = list(Preset.objects.all())
    platforms = list(Platform.objects.prefetch_related("overlaps"))
    return render(
        request,
        "portal/public.html",
        {
            "programmes": _open_programmes(request),
            "preset_groups": [
                (state, [_with_terms(each) for each in presets if each.state == state])
                for state in STATES
            ],
            "preset_count": len(presets),
            "platforms": platforms,
            "dispatching": sum(platform.can_dispatch for platform in platforms),
            "timeline": platform_timeline(platforms),
            "overlapping": _overlapping(platforms),
            "hub_areas": HubArea.objects.order_by("seq"),
            "factors": _factors(),
        },
    )


def _open_programmes(request: HttpRequest) -> list[dict[str, Any]]:
    versions = Prefetch(
        "versions",
        PolicyVersion.objects.filter(state="approved").order_by("-effective_from", "-number"),
        to_attr="in_force",
    )
    rows = visible_programmes(visitor_of(request).actor).exclude(state__in=["draft", "cancelled"])
    return [
        {
            "programme": programme,
            "version": next(iter(programme.in_force), None),
            "clauses": clauses_of(next((v.terms for v in programme.in_force), None)),
        }
        for programme in rows.prefetch_related(versions).order_by("code")
    ]


def _with_terms(preset: Preset) -> dict[str, Any]:
    return {"preset": preset, "clauses": _clauses_once(preset.pk, preset.document)}


_rendered: dict[str, tuple[Any, list[dict[str, str]]]] = {}


def _clauses_once(key: str, document: dict[str, Any]) -> list[dict[str, str]]:
    """Rendering 82 presets on every visit would be waste; a changed document is rendered anew."""
    known = _rendered.get(key)
    if known is None or known[0] != document:
        known = _rendered[key] = (document, clauses_of(document.get("terms")))
    return known[1]


def clauses_of(terms: Any) -> list[dict[str, str]]:
    """The clauses of a terms document in both languages; none when there are no terms."""
    if not terms:
        return []
    try:
        lines = render_terms(Terms.load(terms)).lines
    except TermsError:
        return []
    return [{"text_en": english, "text_zh": chinese} for chinese, english in lines]


def _overlapping(platforms: Iterable[Platform]) -> list[dict[str, Any]]:
    """Provinces where more than one platform stands."""
    groups: dict[str, list[Platform]] = {}
    for platform in platforms:
        if platform.overlaps.all():
            groups.setdefault(platform.adcode[:2], []).append(platform)
    return [
        {"province": province_texts(code + "0000"), "platforms": members}
        for code, members in groups.items()
    ]


def _factors() -> dict[str, Any]:
    newest = GridFactor.objects.filter(place="110000").order_by("-data_year").values("data_year")
    rows = list(
        GridFactor.objects.filter(place__in=PROVINCES, data_year=Subquery(newest[:1])).order_by(
            "kg_per_kwh", "place"
        )
    )
    missing = [
        province_texts(code) for code in PROVINCES if code not in {row.place for row in rows}
    ]
    return {
        "rows": rows,
        "bars": ranked_bars([(province_texts(row.place), row.kg_per_kwh) for row in rows]),
        "year": rows[0].data_year if rows else None,
        "notice": rows[0].notice if rows else None,
        "evidence": rows[0].evidence if rows else None,
        "missing": missing if rows else [],
    }
