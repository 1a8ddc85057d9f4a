"""The provider's page: facilities with rating, pools, jobs, and what it is owed by age."""

from datetime import date, datetime
from typing import Any

from django.db.models import Count, F, Prefetch, Q, QuerySet, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import get_language, pgettext

from audit.decisions import Actor
from identity.policy import sees_everything
from identity.roles import Role
from marketplace.portal.access import for_page, visitor_of
from marketplace.portal.draw_charts import stacked
from marketplace.queries import visible_charges
from providers.facts import load_green_method
from providers.gates import CUSTOMARY, held_by
from providers.green import Condition, gate_answers
from providers.green.exact import civil_day
from providers.models import Facility, GreenRating, Offer, Pool, PriceVersion
from providers.queries import ratings_in_force, visible_facilities, visible_pools, visible_ratings
from scheduling.models import Listing, Placement
from scheduling.near_misses import near_misses
from scheduling.policy import visible_placements
from treasury.models import Payable, PayoutItem
from treasury.queries import items_visible_to, payables_visible_to
from vouchers.green_gates import green_conditions
from vouchers.models import PolicyVersion, Redemption
from vouchers.policy import visible_redemptions

ROWS = 100
NEAR_MISSES = 20


@for_page("provider")
def show_provider(request: HttpRequest) -> HttpResponse:
    """A fixed number of queries, whatever the number of rows."""
    actor, now = visitor_of(request).actor, timezone.now()
    facilities = _own(visible_facilities(actor), actor, "provider_id")
    charges = _own(visible_charges(actor), actor, "order__provider_id")
    return render(
        request,
        "portal/provider.html",
        {
            "now": now,
            "rows": ROWS,
            "facilities": _facilities(facilities, actor, now),
            "may_rate": actor.has(Role.PROVIDER_ADMIN),
            "pools": _pools(_own(visible_pools(actor), actor, "facility__provider_id"), now),
            "placements": _placements(
                _own(visible_placements(actor), actor, "pool__facility__provider_id")
            ),
            "near_misses": near_misses(
                provider_id=None if sees_everything(actor) else actor.organization_id or 0,
                rows=NEAR_MISSES,
            ),
            "ageing": _ageing(actor),
            "payables": _payables(actor),
            "charged": charges.aggregate(
                count=Count("pk"),
                sum_total_fen=Sum("total_fen"),
                sum_own_fen=Sum("own_fen"),
                paid_fen=Sum("own_fen", filter=Q(payment__state="succeeded")),
                hours=Sum("accelerator_hours"),
                sum_energy_kwh=Sum("energy_kwh"),
            ),
        },
    )


def _own(rows: QuerySet[Any], actor: Actor, field: str) -> QuerySet[Any]:
    """A provider's page is about its own things, though the market lets it see more."""
    return rows if sees_everything(actor) else rows.filter(**{field: actor.organization_id})


def _facilities(rows: QuerySet[Facility], actor: Actor, now: datetime) -> list[dict[str, Any]]:
    """Each facility with the rating in force (None = unrated), and as `next` the newest one if that
    is another: a draft, one on its way, or one that has ended."""
    facilities = list(rows.select_related("hub_area").order_by("pk")[:ROWS])
    in_force: dict[int, GreenRating] = {}
    for rating in ratings_in_force(now).filter(facility__in=facilities).order_by("pk"):
        in_force[rating.facility_id] = rating
    newest: dict[int, GreenRating] = {}
    for rating in visible_ratings(actor).filter(facility__in=facilities).order_by("pk"):
        newest[rating.facility_id] = rating
    asked = _asked_by_programmes(now)
    chinese, today = (get_language() or "en").startswith("zh"), civil_day(now)
    return [
        {
            "facility": facility,
            "official": [_status(status, chinese, today) for status in facility.official_statuses],
            "rating": in_force.get(facility.pk),
            "gates": gate_answers(
                [*CUSTOMARY, *asked],
                held_by(facility, in_force.get(facility.pk)),
                at=now,
            ),
            **_next(newest.get(facility.pk), in_force.get(facility.pk), now),
        }
        for facility in facilities
    ]


def _asked_by_programmes(now: datetime) -> list[Condition]:
    """Green conditions of the programmes' terms in force, each once."""
    versions = PolicyVersion.objects.filter(
        state="approved", effective_from__lte=now, programme__state="active"
    )
    terms = versions.order_by("programme", "-effective_from", "-number").distinct("programme")
    found = [
        each for row in terms.values_list("terms", flat=True) for each in green_conditions(row)
    ]
    return [each for each in dict.fromkeys(found) if each not in CUSTOMARY]


def _next(newest: GreenRating | None, held: GreenRating | None, now: datetime) -> dict[str, Any]:
    shown = None if newest == held else newest
    return {"next": shown, "next_expired": shown is not None and shown.has_expired(now)}


def _status(status: dict[str, Any], chinese: bool, today: date) -> dict[str, Any]:
    """An official status under its printed name; from `valid_until` on it holds no more."""
    known = load_green_method().official_statuses
    names = {kind: (zh if chinese else en) for kind, en, zh, _ in known}
    until = status.get("valid_until")
    return {
        **status,
        "name": names.get(status["kind"], status["kind"]),
        "lapsed": until is not None and date.fromisoformat(until) <= today,
    }


def _pools(rows: QuerySet[Pool], now: Any) -> QuerySet[Pool]:
    prices = Prefetch(
        "prices", PriceVersion.objects.filter(valid__contains=now), to_attr="prices_now"
    )
    offers = Prefetch(
        "offers",
        Offer.objects.exclude(state="withdrawn").prefetch_related(prices),
        to_attr="offers_now",
    )
    listings = Prefetch("listings", Listing.objects.select_related("platform").order_by("pk"))
    return rows.prefetch_related(offers, listings).order_by("facility_id", "code")[:ROWS]


def _placements(rows: QuerySet[Placement]) -> QuerySet[Placement]:
    taken = rows.filter(state__in=["accepted", "failed"])
    return taken.select_related("order__charge", "allocation__job__platform").order_by("-pk")[:ROWS]


def _ageing(actor: Actor) -> dict[str, Any]:
    """Government money by how far it has come: earned, proposed, approved, in a batch, paid."""
    earned = _own(visible_redemptions(actor), actor, "provider_id").filter(
        state=Redemption.State.COMMITTED, payable__isnull=True
    )
    by_state: dict[str, int] = dict(
        _own(payables_visible_to(actor), actor, "payee_id")
        .order_by()
        .values_list("state")
        .annotate(sum=Sum("amount_fen"))
        .values_list("state", "sum")
    )
    return stacked(
        (
            (
                "c5",
                pgettext("money", "earned"),
                earned.aggregate(sum=Sum(F("committed_fen") - F("returned_fen")))["sum"] or 0,
            ),
            (
                "c4",
                pgettext("money", "proposed"),
                by_state.get("proposed", 0) + by_state.get("half_approved", 0),
            ),
            ("c3", pgettext("money", "approved"), by_state.get("approved", 0)),
            ("c2", pgettext("money", "in a payout batch"), by_state.get("in_batch", 0)),
            ("c1", pgettext("money", "paid"), by_state.get("paid", 0)),
        )
    )


def _payables(actor: Actor) -> QuerySet[Payable]:
    items: QuerySet[PayoutItem] = items_visible_to(actor).order_by("pk")
    return (
        _own(payables_visible_to(actor), actor, "payee_id")
        .select_related("redemption__voucher")
        .prefetch_related(Prefetch("items", items))
        .order_by("-pk")[:ROWS]
    )
