"""Balances, now or as they were."""

from datetime import datetime

from django.db.models import Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from ledger.models import Account, Hold, Posting


def balance_fen(
    account: Account, *, effective_by: datetime | None = None, recorded_by: datetime | None = None
) -> int:
    """The balance of `account` in fen, summed from its postings.

    `effective_by`: only what was effective before that instant; `recorded_by`: only what had been
    recorded by then. Both together give "as of, as known on".
    """
    postings = Posting.objects.filter(Q(source=account) | Q(destination=account))
    if effective_by is not None:
        postings = postings.filter(transfer__effective_at__lt=effective_by)
    if recorded_by is not None:
        postings = postings.filter(transfer__recorded_at__lt=recorded_by)
    sums = postings.aggregate(
        into=Coalesce(Sum("amount_fen", filter=Q(destination=account)), 0),
        out=Coalesce(Sum("amount_fen", filter=Q(source=account)), 0),
    )
    return int(sums["into"] - sums["out"])


def open_holds(*, due_by: datetime) -> QuerySet[Hold]:
    """Holds not yet resolved whose deadline has passed at `due_by`, oldest first."""
    return Hold.objects.filter(resolution__isnull=True, deadline_at__lte=due_by).order_by(
        "deadline_at", "pk"
    )
