"""The programme office's page: budgets, terms, applications, payables, payouts and awards."""

from typing import Any

from django.db.models import Prefetch, QuerySet, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import pgettext

from audit.decisions import Actor
from identity.policy import sees_everything
from marketplace.portal.access import for_page, visitor_of
from marketplace.portal.draw_charts import stacked
from marketplace.portal.show_claims import simulations_of, worklist
from marketplace.portal.show_public import clauses_of
from marketplace.portal.show_window import windows_for
from treasury.models import Appropriation, Envelope, Payable
from treasury.queries import (
    appropriations_visible_to,
    batches_visible_to,
    envelope_figures,
    envelopes_visible_to,
    payables_visible_to,
)
from vouchers.models import PolicyVersion, Programme
from vouchers.policy import visible_applications, visible_awards, visible_programmes

ROWS = 100
ENVELOPES = 12  # each costs the queries of envelope_figures


@for_page("officer")
def show_officer(request: HttpRequest) -> HttpResponse:
    """A fixed number of queries, and those of `envelope_figures` for each envelope shown."""
    actor = visitor_of(request).actor
    payables = payables_visible_to(actor)
    return render(
        request,
        "portal/officer.html",
        {
            "windows": windows_for(actor),
            "rows": ROWS,
            "envelopes": [
                _with_figures(each)
                for each in envelopes_visible_to(actor)
                .prefetch_related(_appropriations(actor))
                .order_by("-pk")[:ENVELOPES]
            ],
            "programmes": _programmes(_issued(visible_programmes(actor), actor)),
            "applications": visible_applications(actor)
            .select_related("applied_by", "reviewed_by", "approved_by")
            .order_by("-pk")[:ROWS],
            "claims": worklist(actor),
            "simulations": simulations_of(actor),
            "payables": _signed(payables).order_by("-pk")[:ROWS],
            "payable_sums": _sums(payables),
            "batches": batches_visible_to(actor)
            .select_related("made_by", "checked_by", "released_by")
            .prefetch_related("items", "bank_files")
            .order_by("-pk")[:ROWS],
            "awards": visible_awards(actor)
            .select_related(
                "proposed_by",
                "approved_by_1",
                "approved_by_2",
                "payable__approved_by_1",
                "payable__approved_by_2",
            )
            .order_by("-pk")[:ROWS],
        },
    )


def _issued(rows: QuerySet[Programme], actor: Actor) -> QuerySet[Programme]:
    """An office's page is about its own programmes, though others are public."""
    return rows if sees_everything(actor) else rows.filter(issuer=actor.organization_id)


def _appropriations(actor: Actor) -> Prefetch:
    rows = appropriations_visible_to(actor).select_related(
        "funding_source", "proposed_by", "approved_by"
    )
    return Prefetch("appropriations", rows.order_by("pk"), to_attr="lines")


def _with_figures(envelope: Envelope) -> dict[str, Any]:
    figures = envelope_figures(envelope)
    parts = (
        ("c2", pgettext("money", "available"), figures.available_fen),
        ("c4", pgettext("money", "committed"), figures.committed_fen),
        ("c3", pgettext("money", "in vouchers"), figures.in_vouchers_fen),
        ("c7", pgettext("money", "earned"), figures.earned_fen),
        ("c8", pgettext("money", "payable"), figures.payable_fen),
        ("c1", pgettext("money", "paid"), figures.paid_fen),
        ("c5", pgettext("money", "lapsed"), figures.lapsed_fen),
    )
    lines: list[Appropriation] = getattr(envelope, "lines", [])
    return {
        "envelope": envelope,
        "figures": figures,
        "bar": stacked(parts, whole=figures.appropriated_fen),
        "appropriations": lines,
    }


def _programmes(rows: QuerySet[Programme]) -> list[dict[str, Any]]:
    versions = PolicyVersion.objects.select_related(
        "programme", "drafted_by", "approved_by_1", "approved_by_2"
    ).order_by("-number")
    return [
        {
            "programme": programme,
            "versions": [
                {"version": version, "clauses": clauses_of(version.terms)}
                for version in programme.versions.all()
            ],
        }
        for programme in rows.prefetch_related(Prefetch("versions", versions)).order_by("code")
    ]


def _signed(rows: QuerySet[Payable]) -> QuerySet[Payable]:
    return rows.select_related(
        "proposed_by", "approved_by_1", "approved_by_2", "redemption", "award"
    ).prefetch_related("items")


def _sums(rows: QuerySet[Payable]) -> dict[str, int]:
    return dict(
        rows.order_by()
        .values_list("state")
        .annotate(sum=Sum("amount_fen"))
        .values_list("state", "sum")
    )
