"""Announce the end of ratings, 60, 30 and 7 days before."""

from datetime import datetime, timedelta

from django.db import transaction

from audit.actions.record import record
from audit.decisions import Actor
from providers.models import GreenRating, RatingReminder

DAYS = (60, 30, 7)


@transaction.atomic
def remind_of_ratings(*, actor: Actor, at: datetime) -> list[RatingReminder]:
    """Record the step that is due for every rating in force, once; whoever tells providers listens
    to `rating.expires_soon`. A rating with a successor that reaches further is not announced.

    When the task slept through a step, only the nearest one is announced.
    """
    sent = []
    ending = GreenRating.objects.filter(
        state__in=["approved", "challenged"],
        valid__endswith__gt=at,
        valid__endswith__lte=at + timedelta(days=max(DAYS)),
    ).select_related("facility")
    for rating in ending.order_by("pk"):
        if GreenRating.objects.filter(
            facility_id=rating.facility_id,
            state__in=["approved", "challenged"],
            valid__endswith__gt=rating.valid.upper,
        ).exists():
            continue
        left = rating.valid.upper - at
        step = min(days for days in DAYS if left <= timedelta(days=days))
        reminder, new = RatingReminder.objects.get_or_create(
            rating=rating, days_before=step, defaults={"sent_at": at}
        )
        if not new:
            continue
        record(
            "rating.expires_soon",
            subject=rating,
            actor=actor,
            at=at,
            data={
                "facility_id": rating.facility_id,
                "provider_id": rating.facility.provider_id,
                "days": step,
                "expires_at": rating.valid.upper,
            },
        )
        sent.append(reminder)
    return sent
