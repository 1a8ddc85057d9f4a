"""The treasury's page: how long budgets last, what the bank owes an answer, what must come back."""

from datetime import datetime
from typing import Any

from django.db.models import Count, Prefetch
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from audit.decisions import Actor
from identity.duties import MATRIX
from identity.queries import delegations_visible_to, emergencies_visible_to, screens_visible_to
from ledger.models import Account
from marketplace.portal.access import for_page, visitor_of
from marketplace.portal.draw_forecast import forecast_fan
from treasury.budget_use import SHANGHAI, budget_use
from treasury.models import Adjustment, BankEnquiry, Envelope, Tranche, WriteOff
from treasury.queries import (
    batch_warnings,
    batches_visible_to,
    envelopes_visible_to,
    items_visible_to,
    recoveries_visible_to,
    suspense_visible_to,
)
from treasury.recovery_figures import RecoveryFigures, figures_of, instalments_of

ROWS, ENVELOPES, UNSIGNED = 50, 8, 4
RECEIVED = ("receivable", "recovered", "written_off")


@for_page("officer")
def show_treasury(request: HttpRequest) -> HttpResponse:
    """A fixed number of queries, and some for each envelope, unsigned batch and case shown."""
    actor, now = visitor_of(request).actor, timezone.now()
    cases = _cases(actor, now)
    return render(
        request,
        "portal/treasury.html",
        {
            "envelopes": [_envelope(each, now) for each in _envelopes(actor)],
            "waiting": items_visible_to(actor)
            .filter(state__in=["unknown", "returned"])
            .prefetch_related(Prefetch("enquiries", BankEnquiry.objects.order_by("pk")))
            .order_by("-pk")[:ROWS],
            "suspense": suspense_visible_to(actor)
            .select_related("booked_by", "cleared_by")
            .order_by("-pk")[:ROWS],
            "recallable": batches_visible_to(actor)
            .filter(state="exported", cut_off_at__gt=now)
            .order_by("pk")[:ROWS],
            "warned": _warned(actor),
            "cases": cases,
            "total": _total(cases),
            "delegations": delegations_visible_to(actor).order_by("-pk")[:ROWS],
            "emergencies": emergencies_visible_to(actor).order_by("-pk")[:ROWS],
            "screens": _screens(actor),
            "ties": screens_visible_to(actor).filter(result="conflict").order_by("-pk")[:ROWS],
            "matrix": MATRIX,
            "now": now,
        },
    )


def _envelopes(actor: Actor) -> list[Envelope]:
    tranches = Tranche.objects.select_related("proposed_by", "approved_by_1", "approved_by_2")
    adjustments = Adjustment.objects.select_related(
        "proposed_by", "approved_by_1", "approved_by_2", "to_envelope", "funding_source"
    )
    rows = envelopes_visible_to(actor).prefetch_related(
        Prefetch("tranches", tranches.order_by("number")),
        Prefetch("adjustments", adjustments.order_by("pk")),
        "alerts",
    )
    return list(rows.order_by("-pk")[:ENVELOPES])


def _envelope(envelope: Envelope, now: datetime) -> dict[str, Any]:
    use = budget_use(envelope, at=now)
    return {
        "envelope": envelope,
        "use": use,
        "picture": forecast_fan(use, today=now.astimezone(SHANGHAI).date()),
    }


def _screens(actor: Actor) -> dict[str, int]:
    """How many screens found no tie, did not know, found one. (No key is a method of dict.)"""
    rows = screens_visible_to(actor).order_by().values_list("result")
    counts = dict(rows.annotate(count=Count("pk", distinct=True)))
    return {
        "without_tie": counts.get("clear", 0),
        "not_known": counts.get("unknown", 0),
        "with_tie": counts.get("conflict", 0),
    }


def _warned(actor: Actor) -> list[dict[str, Any]]:
    unsigned = batches_visible_to(actor).filter(state__in=["draft", "frozen", "approved_1"])
    return [
        {"batch": batch, "warnings": found}
        for batch in unsigned.order_by("-pk")[:UNSIGNED]
        if (found := batch_warnings(batch))
    ]


def _cases(actor: Actor, now: datetime) -> list[dict[str, Any]]:
    write_offs = WriteOff.objects.select_related(
        "proposed_by", "fraud_checked_by", "approved_by_1", "approved_by_2"
    )
    rows = list(
        recoveries_visible_to(actor)
        .select_related("opened_by", "decided_by", "demanded_by")
        .prefetch_related(Prefetch("write_offs", write_offs.order_by("pk")))
        .order_by("-pk")[:ROWS]
    )
    figures, today = figures_of(rows), now.astimezone(SHANGHAI).date()
    return [
        {
            "case": case,
            "figures": figures[case.pk],
            "instalments": instalments_of(case, today=today)
            if case.state in ("demand_issued", "recovering", "litigated")
            else [],
        }
        for case in rows
    ]


def _total(cases: list[dict[str, Any]]) -> dict[str, Any]:
    """The sum of the cases shown, beside what the ledger's own accounts of them hold."""
    rows: list[RecoveryFigures] = [each["figures"] for each in cases]
    books = {(each["case"].book_id, each["case"].pk) for each in cases}
    held = Account.objects.filter(
        book__in={book for book, _pk in books},
        code__in=[f"claw:{pk}:{part}" for _book, pk in books for part in RECEIVED],
    )
    ledger_fen = sum(account.balance_fen for account in held)
    demanded_fen = sum(each.demanded_fen for each in rows)
    offset_fen = sum(each.offset_fen for each in rows)
    return {
        "demanded_fen": demanded_fen,
        "outstanding_fen": sum(each.outstanding_fen for each in rows),
        "cash_fen": sum(each.cash_fen for each in rows),
        "offset_fen": offset_fen,
        "written_off_fen": sum(each.written_off_fen for each in rows),
        "ledger_fen": ledger_fen,
        "agrees": ledger_fen == demanded_fen and not any(each.unaccounted_fen for each in rows),
    }
