"""Claims as the enterprise and the programme office see them on their pages."""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Q
from django.utils import timezone

from audit.decisions import Actor
from vouchers.models import Claim, CombinedAnswer, SimulationRun
from vouchers.policy import visible_claims, visible_versions

ROWS = 100
ENDED = ("paid", "rejected", "withdrawn")


def claims_of(actor: Actor) -> list[dict[str, Any]]:
    """The newest claims with their way through the stages; three queries."""
    rows = (
        visible_claims(actor)
        .prefetch_related("evidence", "reviews")
        .annotate(against=Count("objections", filter=Q(objections__state="open")))
        .order_by("-pk")[:ROWS]
    )
    return [_told(each, timezone.now()) for each in rows]


def worklist(actor: Actor) -> list[dict[str, Any]]:
    """Claims that wait for an office, the longest in hand first."""
    waiting = [each for each in claims_of(actor) if each["claim"].state not in ENDED]
    return sorted(waiting, key=lambda each: -each["days_in_hand"])


def _told(claim: Claim, now: datetime) -> dict[str, Any]:
    until = claim.clock_stopped_at or claim.approved_at or now
    in_hand = until - claim.submitted_at - timedelta(seconds=claim.stopped_seconds)
    passed = {each.stage for each in claim.reviews.all() if each.outcome == "passed"}
    return {
        "claim": claim,
        "days_in_hand": max(in_hand.days, 0),
        "clock_stands": claim.clock_stopped_at is not None,
        "steps": [
            {"stage": stage, "passed": stage in passed, "now": stage == claim.stage}
            for stage in claim.stages
        ],
        "unknown": [check for check in claim.checks if check["status"] == "unknown"],
        "against": getattr(claim, "against", 0),
    }


def newest_answer(actor: Actor) -> CombinedAnswer | None:
    """The last question to every programme of the actor's organization."""
    rows = CombinedAnswer.objects.filter(enterprise=actor.organization_id)
    return rows.order_by("-pk").first()


def simulations_of(actor: Actor) -> list[dict[str, Any]]:
    """The newest simulations of one's own versions, with the bars of cost by month."""
    rows = (
        SimulationRun.objects.filter(
            version__in=visible_versions(actor).filter(programme__issuer_id=actor.organization_id)
        )
        .select_related("version__programme", "compared_to__programme")
        .order_by("-pk")[:12]
    )
    return [
        {
            "run": each,
            "months": _bars(each.report["cost_by_month"]),
            "height": 22 * len(each.report["cost_by_month"]),
        }
        for each in rows
    ]


def _bars(months: dict[str, int]) -> list[dict[str, Any]]:
    most = max(months.values(), default=0) or 1
    return [
        {
            "month": month,
            "fen": fen,
            "y": place * 22,
            "text_y": place * 22 + 13,
            "width": round(fen / most * 420, 1),
        }
        for place, (month, fen) in enumerate(sorted(months.items()))
    ]
